import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isFresh } from './lib/boundaries.mjs';
import { root } from './lib/root.mjs';

const manifests = [
  'packages/sdk',
  'packages/hub',
  'packages/proxy',
  'packages/atrium',
  'plugins/spawner-process',
  'plugins/auth-password',
];

/** A tree with our manifests and configuration and no sources, so that only what a test writes can be refused. */
let tree: string;

beforeAll(async () => {
  tree = await mkdtemp(join(tmpdir(), 'atrium-boundaries-'));
  for (const dir of manifests) await cp(join(root, dir, 'package.json'), join(tree, dir, 'package.json'));
  for (const file of ['package.json', 'biome.json', '.gitignore']) await cp(join(root, file), join(tree, file));
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'));
});
afterAll(() => rm(tree, { recursive: true, force: true }));

async function lint(path: string, code: string): Promise<string> {
  await mkdir(join(tree, dirname(path)), { recursive: true });
  await writeFile(join(tree, path), code);
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [biome, 'lint', path], { cwd: tree });
    return stdout;
  } catch (cause) {
    const { stdout, stderr } = cause as { stdout: string; stderr: string };
    return stdout + stderr;
  } finally {
    await rm(join(tree, path));
  }
}

describe('the linter refuses an import that crosses a boundary', () => {
  test.each([
    ['the proxy, by name', 'packages/hub/src/a.ts', "export { x } from '@atrium/proxy';"],
    ['the proxy, by a path', 'packages/hub/src/users/a.ts', "export { x } from '../../../proxy/src/index.ts';"],
    ['a plug-in, when it is needed', 'packages/hub/src/a.ts', "export const x = import('@atrium/spawner-process');"],
    ['the hub, from the proxy', 'packages/proxy/src/a.ts', "export { x } from '@atrium/hub';"],
    ['the hub, from a plug-in', 'plugins/auth-password/src/a.ts', "export { x } from '@atrium/hub/testing';"],
    ['another plug-in', 'plugins/auth-password/src/a.ts', "export { x } from '@atrium/spawner-process';"],
    [
      'anything of ours, from the SDK',
      'packages/sdk/src/a.ts',
      "import type { X } from '@atrium/hub';\nexport type Y = X;",
    ],
    ['a tool', 'packages/atrium/src/a.ts', "export { x } from '../../../tools/test-machine.ts';"],
  ])('%s', async (_what, path, code) => {
    expect(await lint(path, code)).toContain('noRestrictedImports');
  });

  test('a package that the manifest does not declare', async () => {
    expect(await lint('packages/sdk/src/a.ts', "export { pino } from 'pino';")).toContain('noUndeclaredDependencies');
  });

  test('the environment is read in the configuration only', async () => {
    const code = 'export const x = process.env.HOME;';

    expect(await lint('packages/hub/src/users/a.ts', code)).toContain('noProcessEnv');
    expect(await lint('packages/hub/src/config/a.ts', code)).not.toContain('noProcessEnv');
  });
});

test('what the table allows passes', async () => {
  const wires = "export { x } from '@atrium/hub';\nexport { y } from '@atrium/proxy';";

  expect(await lint('packages/atrium/src/a.ts', wires)).not.toContain('lint/');
  expect(await lint('packages/hub/src/a.ts', "export { systemClock } from '@atrium/sdk';")).not.toContain('lint/');
  expect(await lint('packages/hub/src/a.test.ts', "export { x } from '../../../tools/x.ts';")).not.toContain('lint/');
});

test('biome.json holds the current table', () => {
  expect(isFresh()).toBe(true);
});
