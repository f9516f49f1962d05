import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '@atrium/sdk';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { readClusterConfig } from '../config.ts';
import { imageRecipe } from './image-recipe.ts';
import { managerUserData } from './manager-user-data.ts';

const hasCloudInit = spawnSync('cloud-init', ['--version']).status === 0;
/** AWS takes no longer user data. */
const LIMIT = 16_384;

const SOURCES = {
  npm: { npm: '0.1.0' },
  archive: { url: 'https://example.org/atrium.tar.gz', sha256: 'a'.repeat(64) },
};

const config = (source: (typeof SOURCES)[keyof typeof SOURCES]) =>
  readClusterConfig({
    name: 'class',
    source,
    manager: { env: { CLASS: new Secret('very secret words') } },
    image: { packages: ['gfortran'], python: ['numpy>=2', 'pandas'] },
  });

const texts = Object.values(SOURCES).flatMap((source) => {
  const whole = config(source);
  const { image } = whole;
  if ('id' in image) throw new Error('no recipe');
  return [managerUserData({ config: whole, region: 'us-east-1' }), imageRecipe({ ...image, source })];
});

interface CloudConfig {
  write_files: { path: string; content: string; permissions?: string }[];
  runcmd: string[][];
}

function inFile(name: string, text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'user-data-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

test.runIf(hasCloudInit)('cloud-init itself finds nothing wrong with what machines are told', () => {
  for (const text of texts) {
    const seen = spawnSync('cloud-init', ['schema', '--config-file', inFile('user-data', text)], { encoding: 'utf8' });
    expect(seen.status, seen.stdout + seen.stderr).toBe(0);
  }
});

test('scripts in it can be read by a shell, and units are complete', () => {
  for (const text of texts) {
    const { write_files, runcmd } = parse(text) as CloudConfig;
    for (const { path, content } of write_files) {
      if (content.startsWith('#!/bin/bash')) execFileSync('bash', ['-n', inFile('script.sh', content)]);
      if (path.endsWith('.service')) expect(content).toMatch(/^\[Service\][\s\S]*^ExecStart=\//m);
      if (path.endsWith('.timer')) {
        const service = path.replace(/\.timer$/, '.service');
        expect(write_files.map((each) => each.path)).toContain(service);
      }
    }
    for (const [command] of runcmd) expect(write_files.map(({ path }) => path)).toContain(command);
  }
});

test('it fits, holds no secret, and checks an archive before anything of it is read', () => {
  for (const text of texts) {
    expect(Buffer.byteLength(text)).toBeLessThan(LIMIT);
    expect(text).not.toContain('very secret words');
  }
  const [, , manager = '', image = ''] = texts;
  for (const [text, use] of [
    [manager, 'npm install --no-audit --no-fund --ignore-scripts --prefix /opt/atrium /opt/atrium.tgz'],
    [image, 'tar -xzf'],
  ] as const) {
    expect(text.indexOf('curl --fail')).toBeGreaterThan(0);
    expect(text.indexOf('sha256sum --check')).toBeGreaterThan(text.indexOf('curl --fail'));
    expect(text.indexOf(use)).toBeGreaterThan(text.indexOf('sha256sum --check'));
  }
});
