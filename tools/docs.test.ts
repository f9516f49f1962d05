import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ERROR_STATUS } from '@atrium/sdk';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PROBLEMS } from '../packages/proxy/src/error-page.ts';
import { generatedDocs } from './generated-docs.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

// The pages of the configuration and the command are compared in packages/atrium.
test('the page of scopes says what their table says (else: npm run docs)', () => {
  expect(read('docs/reference/scopes.md')).toBe(generatedDocs()['docs/reference/scopes.md']);
});

describe('the page of errors', () => {
  /** The rows of one section's table: first cell without its backquotes → the second. */
  const rowsOf = (heading: string) => {
    const section = read('docs/reference/errors.md')
      .split(/^## /m)
      .find((part) => part.startsWith(`${heading}\n`));
    const rows = [...(section ?? '').matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)];
    return Object.fromEntries(rows.map(([, code, second]) => [code, second!.trim()]));
  };

  test('has every code of the hub with its status', () => {
    const known = Object.entries(ERROR_STATUS).map(([code, status]) => [code, String(status)]);

    expect(rowsOf('From the hub')).toEqual(Object.fromEntries(known));
  });

  test('has every code of the proxy with its status', () => {
    const known = Object.values(PROBLEMS).map(({ code, status }) => [code, String(status)]);

    expect(rowsOf('From the proxy')).toEqual(Object.fromEntries(known));
  });

  test('has every reason for which a server does not run', () => {
    const sources = globSync(
      [
        'plugins/spawner-*/src/*.ts',
        'plugins/spawner-ec2/src/{start,homes,worker}/*.ts',
        'packages/hub/src/servers/controller/failures.ts',
      ],
      { cwd: root },
    ).filter((path) => !/\.test\.ts$|\/test-|spawner-echo\/src\/(maintain|worker)\.ts$/.test(path));
    const codes = sources.flatMap((path) =>
      [...read(path).matchAll(/\bcode: '(\w+)'|\bfault\(\s*'(\w+)'/g)].map(([, one, other]) => one ?? other),
    );

    expect(Object.keys(rowsOf('Why a server does not run')).sort()).toEqual([...new Set(codes)].sort());
  });
});

const SECRETS = [
  'PROMETHEUS_TOKEN',
  'ATRIUM_DATABASE',
  'WORKSHOP_PASSWORD',
  'TEACHER_PASSWORD',
  'ROOM_PASSWORD',
  'PROF_PASSWORD',
  'ADA_CODE',
  'WIKI_TOKEN',
  'CLASS',
  'ADA',
  'HUB_KEY',
];
const EVERYTHING =
  "import { defineConfig, password, processSpawner, echoSpawner, ec2Spawner, secret, sharedPassword } from 'atrium';";

test('every configuration in the documents is one that the hub accepts', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'atrium-docs-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const documents = globSync('{README.md,docs/**/*.md,plugins/*/README.md}', { cwd: root });
  // Whole files as they are; settings alone as they would stand in one.
  const written = documents.flatMap((path) =>
    [...read(path).matchAll(/^```ts\n(.*?)^```/gms)].flatMap(([, text = '']) => {
      if (/from '(\.|@atrium\/sdk)/.test(text)) return [];
      if (text.includes('export default')) return [{ path, text }];
      const settings = text.trim().replace(/;$/, ',');
      return /^\w+: /.test(settings)
        ? [{ path, text: `${EVERYTHING}\nexport default defineConfig({\n${settings}\n});` }]
        : [];
    }),
  );

  const files = written.map(({ text }, at) => {
    const file = join(dir, `${at}.config.ts`);
    writeFileSync(file, text);
    return file;
  });
  files.push(...globSync('examples/**/*.config.ts', { cwd: root }).map((path) => join(root, path)));
  const reader = join(root, 'tools/read-configs.ts');
  const env = {
    ...process.env,
    ...Object.fromEntries(SECRETS.map((name) => [name, 'postgres://atrium:secret@127.0.0.1/atrium'])),
  };
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=atrium-source', reader, ...files], {
    env,
  });
  const refused = Object.entries(JSON.parse(stdout) as Record<string, string>).map(([file, problem]) => {
    const where = written[files.indexOf(file)];
    return `${where?.path ?? file}: ${problem}\n${where?.text ?? ''}`;
  });

  expect(written.length).toBeGreaterThan(15);
  expect(refused).toEqual([]);
});

test('links between the documents lead somewhere', () => {
  const documents = globSync('{*.md,docs/**/*.md,examples/*.md,{packages,plugins}/*/README.md,bench/**/README.md}', {
    cwd: root,
    exclude: (path) => path.includes('node_modules'),
  });

  const broken = documents.flatMap((path) =>
    [...read(path).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)]
      .filter(([, target]) => !existsSync(join(root, dirname(path), target!)))
      .map(([, target]) => `${path}: ${target}`),
  );

  expect(documents.length).toBeGreaterThan(10);
  expect(broken).toEqual([]);
});
