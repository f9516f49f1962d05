import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findPython } from '../packages/atrium/setup/find-python.mjs';
import { pythonIsReady, REQUIREMENTS } from '../packages/atrium/setup/python.mjs';
import { adminSources } from './lib/admin-page.mjs';
import { root } from './lib/root.mjs';

async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'atrium-setup-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A folder with a program `name` that answers what a Python would. */
async function python(name: string, answer: object | null): Promise<string> {
  const dir = await tempDir();
  const says = answer ? `echo '${JSON.stringify(answer)}'` : 'echo "not installed" >&2; exit 127';
  await writeFile(join(dir, name), `#!/bin/sh\n${says}\n`);
  await chmod(join(dir, name), 0o755);
  return dir;
}

describe('finding Python', () => {
  test('none at all: says what to install', async () => {
    await expect(findPython(await tempDir())).rejects.toThrow(/^Python is missing.*install/s);
  });

  test('one that is too old: names it and its version', async () => {
    const old = await python('python3', { version: [3, 8], executable: '/bin/sh', missing: [] });

    await expect(findPython(old)).rejects.toThrow(`Python 3.8 is here (${old}/python3)`);
  });

  test('one without venv: names the package that has it', async () => {
    const bare = await python('python3', { version: [3, 12], executable: '/bin/sh', missing: ['ensurepip'] });

    await expect(findPython(bare)).rejects.toThrow(/venv module is not.*(python3\.12-venv|brew)/s);
  });

  test("a version manager's shim without a Python behind it is passed over, and a good one found", async () => {
    const shim = await python('python3', null);
    const good = await python('python3.11', { version: [3, 11], executable: '/bin/sh', missing: [] });

    const found = await findPython([shim, good].join(delimiter));

    expect(found).toMatchObject({ file: join(good, 'python3.11'), version: [3, 11] });
  });
});

describe('an environment counts as ready', () => {
  test('only when its last step was reached, with the pins of today', async () => {
    const dir = await tempDir();
    await mkdir(join(dir, 'bin'));
    await writeFile(join(dir, 'bin', 'python'), '');

    expect(pythonIsReady(dir)).toBe(false);

    await writeFile(join(dir, '.atrium-complete.json'), '{"requirements":"older pins"}');
    expect(pythonIsReady(dir)).toBe(false);
  });

  test('the pins have a hash each and name no place', async () => {
    const pins = await readFile(REQUIREMENTS, 'utf8');

    const packages = pins.split(/\n(?=\S)/).filter((entry) => !entry.startsWith('#'));

    expect(packages.length).toBeGreaterThan(50);
    expect(packages.filter((entry) => !/^[a-z0-9-]+==\S+.*--hash=sha256:[0-9a-f]{64}/s.test(entry))).toEqual([]);
    expect(pins).not.toMatch(/https?:/);
  });
});

/** A clone's start script and what it needs to get as far as Python, with a main program that only answers. */
async function clone(): Promise<string> {
  const dir = await tempDir();
  const copied = [
    'scripts',
    'packages/admin/src',
    'packages/admin/package.json',
    'packages/admin/vite.config.ts',
    'packages/atrium/setup',
    'packages/atrium/python',
    'package.json',
    'package-lock.json',
    '.nvmrc',
  ];
  for (const path of copied) await cp(join(root, path), join(dir, path), { recursive: true });
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'));
  await pretendAdminPage(dir);
  await mkdir(join(dir, 'packages/atrium/src'));
  await writeFile(
    join(dir, 'packages/atrium/src/main.ts'),
    `if (process.argv.includes('--wait')) {
      process.on('SIGTERM', () => process.exit(7));
      setInterval(() => {}, 1000);
    }
    console.log(JSON.stringify(process.argv.slice(2)));`,
  );
  return dir;
}

/** Marks the administrators' page as built from these sources, so that a test of what follows need not build it. */
async function pretendAdminPage(dir: string): Promise<void> {
  await mkdir(join(dir, 'packages/hub/static/admin'), { recursive: true });
  await writeFile(join(dir, 'packages/hub/static/admin/admin.js'), '');
  await mkdir(join(dir, 'packages/admin/dist'));
  await writeFile(join(dir, 'packages/admin/dist/built.json'), JSON.stringify({ sources: adminSources(dir) }));
}

function start(dir: string, args: string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, [join(dir, 'scripts/start.mjs'), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Marks the environment as made, so that a test of what follows need not make it. */
async function pretendPython(dir: string): Promise<void> {
  const requirements = createHash('sha256')
    .update(await readFile(REQUIREMENTS))
    .digest('hex');
  await mkdir(join(dir, 'bin'), { recursive: true });
  await writeFile(join(dir, 'bin', 'python'), '');
  await writeFile(join(dir, '.atrium-complete.json'), JSON.stringify({ requirements }));
}

describe('npm start', () => {
  test('hands its arguments on and names the data directory of the clone', async () => {
    const dir = await clone();
    await pretendPython(join(dir, '.atrium/python'));

    const { stdout } = await promisify(execFile)(process.execPath, [join(dir, 'scripts/start.mjs'), '--port', '9000']);

    expect(JSON.parse(stdout)).toEqual(['up', '--data-dir', join(dir, '.atrium'), '--port', '9000']);
  });

  test('takes a data directory of the caller', async () => {
    const dir = await clone();
    await pretendPython(join(dir, 'elsewhere/python'));
    const args = [`--data-dir=${dir}/elsewhere`];

    const { stdout } = await promisify(execFile)(process.execPath, [join(dir, 'scripts/start.mjs'), ...args]);

    expect(JSON.parse(stdout)).toEqual(['up', ...args]);
  });

  test('forwards a signal and ends with the status of the command', async () => {
    const dir = await clone();
    await pretendPython(join(dir, '.atrium/python'));
    const child = start(dir, ['--wait']);
    if (child.stdout) await once(child.stdout, 'data');

    child.kill('SIGTERM');

    expect(await once(child, 'exit')).toEqual([7, null]);
  });

  test('without a network it says what it could not fetch, and that it goes on from here', async () => {
    const dir = await clone();
    const nowhere = { PIP_INDEX_URL: 'http://127.0.0.1:1/simple', PIP_FIND_LINKS: '', PIP_RETRIES: '0' };
    const child = start(dir, [], nowhere);

    const [[status], said] = await Promise.all([once(child, 'exit'), child.stderr ? text(child.stderr) : '']);

    expect(status).toBe(1);
    expect(said).toContain('Could not fetch the Python packages: the package index does not answer.');
    expect(said).toContain('it goes on from here');
    expect(said).not.toMatch(/^\s+at /m);
  }, 60_000);

  test('Ctrl-C in the middle leaves nothing running and nothing that counts as complete', async () => {
    const dir = await clone();
    const child = start(dir, []);
    if (child.stderr) await once(child.stderr, 'data');

    child.kill('SIGINT');
    const [[status], said] = await Promise.all([once(child, 'exit'), child.stderr ? text(child.stderr) : '']);

    expect(status).toBe(130);
    expect(said).toContain('The same command goes on from here');
    expect(pythonIsReady(join(dir, '.atrium/python'))).toBe(false);
  }, 60_000);
});
