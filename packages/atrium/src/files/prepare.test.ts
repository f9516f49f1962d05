import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HUB_UID } from '@atrium/sdk';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { notRunningText } from '../up/state.ts';
import { unreadableAt } from './account.ts';
import { placesOf } from './data-dir.ts';
import { findConfigFile } from './find-config.ts';
import { prepareDirs } from './prepare.ts';

const ACCOUNT = { uid: HUB_UID, gid: HUB_UID };
const isLinuxRoot = process.platform === 'linux' && process.getuid?.() === 0;
let dir: string;

beforeEach(() => {
  dir = mkdtempSync('/tmp/atrium-p-');
  chmodSync(dir, 0o755);
});
afterEach(() => {
  rmSync(placesOf(join(dir, 'data')).runDir, { recursive: true, force: true });
  rmSync(dir, { recursive: true, force: true });
});

test('a data directory that cannot be one is told in words', () => {
  writeFileSync(join(dir, 'file'), '');

  expect(() => prepareDirs(placesOf(join(dir, 'file')), undefined)).toThrow(/file cannot be a folder/);
  expect(() => prepareDirs(placesOf(join(dir, 'file', 'data')), undefined)).toThrow(/cannot be a folder/);
});

describe('whether an account can read a file', () => {
  test('the first folder that keeps it out is named', () => {
    const file = join(dir, 'closed', 'inner', 'file');
    mkdirSync(join(dir, 'closed', 'inner'), { recursive: true, mode: 0o755 });
    writeFileSync(file, '', { mode: 0o644 });

    expect(unreadableAt(file, ACCOUNT)).toBeUndefined();
    chmodSync(join(dir, 'closed'), 0o700);
    expect(unreadableAt(file, ACCOUNT)).toBe(join(dir, 'closed'));
    chmodSync(join(dir, 'closed'), 0o711);
    expect(unreadableAt(file, ACCOUNT)).toBeUndefined();
    chmodSync(file, 0o600);
    expect(unreadableAt(file, ACCOUNT)).toBe(file);
  });
});

describe.skipIf(!isLinuxRoot)('directories made by root', () => {
  test('a configuration file that the hub’s account put into the data directory is not run by root', () => {
    const file = join(dir, 'atrium.config.ts');
    writeFileSync(file, '');

    expect(findConfigFile(undefined, dir)).toBe(file);
    chownSync(file, HUB_UID, HUB_UID);
    expect(() => findConfigFile(undefined, dir)).toThrow(/root will not run it/);
    expect(findConfigFile(file, dir)).toBe(file);
  });

  test('the hub writes into them but replaces nothing of root; what a root hub left becomes its own', () => {
    const places = placesOf(join(dir, 'data'));
    mkdirSync(join(places.dataDir, 'keys'), { recursive: true });
    for (const name of ['homes', 'warm']) mkdirSync(join(places.dataDir, name));
    writeFileSync(join(places.dataDir, 'keys', 'hub.key'), 'k', { mode: 0o600 });

    const { account } = prepareDirs(places, undefined);

    if (!account) return; // this clone lies where no other account can read it
    const of = (path: string) => statSync(join(places.dataDir, path));
    expect(of('.')).toMatchObject({ uid: 0, gid: account.gid, mode: 0o041771 });
    expect(of('keys/hub.key').uid).toBe(account.uid);
    for (const name of ['homes', 'warm']) expect(of(name).uid).toBe(0);
    expect(statSync(places.runDir)).toMatchObject({ uid: 0, gid: account.gid });
  });

  test("an ordinary user's installation is left alone, and not said to be stopped", () => {
    const places = placesOf(join(dir, 'data'));
    mkdirSync(places.dataDir);
    chownSync(places.dataDir, 4242, 4242);

    expect(() => prepareDirs(places, undefined)).toThrow('belongs to account 4242');
    expect(notRunningText(places)).toContain('only that account sees whether Atrium runs there');

    expect(statSync(places.dataDir).uid).toBe(4242);
  });

  test('below a closed folder the hub stays root, and says so', () => {
    chmodSync(dir, 0o700);

    const { account, warning } = prepareDirs(placesOf(join(dir, 'data')), undefined);

    expect(account).toBeUndefined();
    expect(warning).toContain(`cannot read ${dir}`);
  });
});
