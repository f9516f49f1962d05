import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { tryRun } from '../machine/run.ts';
import { type AgentSource, renderUserData, USER_DATA_LIMIT, workerFiles } from './index.ts';

const run = promisify(execFile);
const UNITS = fileURLToPath(new URL('../../units/', import.meta.url));
const has = async (program: string) => (await tryRun(['sh', '-c', `command -v ${program}`])).code === 0;

const SHA = 'a'.repeat(64);
const PEM = `-----BEGIN CERTIFICATE-----\n${'QUJD'.repeat(16)}\n${'RUZH'.repeat(12)}\n-----END CERTIFICATE-----`;
const agentSource: AgentSource = {
  agent: { url: 'https://example.org/atrium-agent.mjs', sha256: SHA },
  node: {
    x64: { url: 'https://example.org/node-x64.tar.xz', sha256: SHA },
    arm64: { url: 'https://example.org/node-arm64.tar.xz', sha256: SHA },
  },
};
const base = { hub: 'https://10.0.0.5/hub/', clusterId: 'c-0123' };

test('user data of a carried agent says where the hub is and nothing else', () => {
  const pin = `sha256/${Buffer.alloc(32, 7).toString('base64')}`;
  expect(renderUserData({ ...base, ca: pin, slow: false })).toBe(`#cloud-config
write_files:
  - path: "/etc/atrium/agent.json"
    owner: "root:root"
    permissions: "0644"
    content: |
      {
        "hub": "https://10.0.0.5/hub/",
        "ca": "${pin}",
        "cluster": "c-0123"
      }
runcmd:
  - ["systemctl","start","--no-block","atrium-watchdog.timer","atrium-agent.path"]
`);
});

test('the slow path fits into what AWS takes, with a certificate', () => {
  const text = renderUserData({ ...base, ca: PEM.repeat(3), slow: true, agentSource });
  expect(Buffer.byteLength(text)).toBeLessThan(USER_DATA_LIMIT);
  expect(text).toContain('"ca": "/etc/atrium/hub-ca.pem"');
});

test('a YAML reader gets every file back as it was meant', () => {
  const text = renderUserData({ ...base, ca: PEM, slow: true, agentSource });
  const read = parse(text) as {
    write_files: { path: string; content: string }[];
    runcmd: string[][];
  };

  const files = new Map(read.write_files.map(({ path, content }) => [path, content]));
  for (const { path, content } of workerFiles(agentSource)) expect(files.get(path), path).toBe(content);
  expect(files.get('/etc/atrium/hub-ca.pem')).toBe(`${PEM}\n`);
  expect(read.write_files.at(-1)?.path).toBe('/etc/atrium/agent.json');
  expect(read.runcmd).toEqual([['sh', '/usr/lib/atrium/setup.sh']]);
});

test.skipIf(!(await has('cloud-init')))('cloud-init’s own schema accepts it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'atrium-cloud-init-'));
  for (const slow of [true, false]) {
    await writeFile(join(dir, 'user-data'), renderUserData({ ...base, ca: PEM, slow, agentSource }));
    const { stdout } = await run('cloud-init', ['schema', '--config-file', join(dir, 'user-data')]);
    expect(stdout).toMatch(/^Valid/);
  }
  await rm(dir, { recursive: true });
});

test.skipIf(!(await has('systemd-analyze')))('systemd accepts the units as user data writes them', async () => {
  const root = await mkdtemp(join(tmpdir(), 'atrium-units-'));
  for (const { path, content, permissions } of workerFiles(agentSource)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content, { mode: Number.parseInt(permissions, 8) });
  }
  await writeFile(join(root, 'usr/lib/atrium/node'), '#!/bin/sh\n', { mode: 0o755 });
  // `verify` looks for programs under /; what is meant is whether they are among our files.
  const at = (text: string) => text.replaceAll('/usr/lib/atrium/', join(root, 'usr/lib/atrium/'));
  const units = (await readdir(UNITS)).filter((name) => /\.(service|timer|path)$/.test(name));
  expect(units).toHaveLength(5);
  for (const name of units) {
    const file = join(root, 'etc/systemd/system', name);
    const text = workerFiles(agentSource).find(({ path }) => path.endsWith(name))!.content;
    await writeFile(file, at(text));
  }
  for (const name of units) {
    const { code, err } = await tryRun([
      'systemd-analyze',
      'verify',
      '--man=no',
      '--recursive-errors=no',
      join(root, 'etc/systemd/system', name),
    ]);
    expect(`${code} ${err.trim()}`, name).toBe('0 ');
  }
  await rm(root, { recursive: true });
});

test('the scripts are POSIX shell, also without their comments', async () => {
  for (const { path, content } of workerFiles(agentSource).filter((file) => file.path.endsWith('.sh'))) {
    const { code, err } = await tryRun(['sh', '-n', '-c', content]);
    expect(`${path} ${code} ${err}`).toBe(`${path} 0 `);
  }
});

test.each([
  [{ slow: true }, 'agentSource'],
  [{ hub: 'https://10.0.0.5/' }, '/hub/'],
  [{ slow: true, agentSource: { agent: { url: 'file:///x', sha256: SHA } } }, 'URL'],
  [{ slow: true, agentSource: { agent: { url: 'https://u:secret@x/y', sha256: SHA } } }, 'password'],
  [{ slow: true, agentSource: { agent: { url: 'https://x/y', sha256: 'abc' } } }, 'SHA-256'],
  [{ slow: true, agentSource: { ...agentSource, packages: ['a; rm -rf /'] } }, 'pip'],
  [{ slow: true, agentSource: { ...agentSource, packages: ['$(x)'] } }, 'pip'],
  [{ ca: PEM.repeat(200) }, 'bytes'],
])('values that cannot work are refused: %j', (change, words) => {
  expect(() => renderUserData({ ...base, slow: false, ...change })).toThrow(words);
});
