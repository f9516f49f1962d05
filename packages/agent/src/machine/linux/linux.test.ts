import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { parseConfig } from '../../config.ts';
import { restore } from '../../tasks/restore.ts';
import { tryRun } from '../run.ts';
import { linuxMachine } from './index.ts';
import { launchScript } from './server-unit.ts';

const run = promisify(execFile);
/** Loop devices need root and a kernel that offers them; a container may have neither. */
const canLoop = process.getuid?.() === 0 && (await tryRun(['losetup', '--find']).catch(() => ({ code: 1 }))).code === 0;
const account = { login: 'ada', uid: 29_001, name: 'Ada: Lovelace, Countess\n<ada@example.org>', root: false };
const silent = async () => {};
const log = { debug() {}, info() {}, warn() {}, error() {} };
/** CAP_SYS_RESOURCE, which growing a mounted ext4 needs and some containers take from root. */
const canResize =
  ((BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1]}`) >> 24n) & 1n) === 1n;

/** A machine whose disks are loop devices below the same names as EBS volumes have. */
async function lab() {
  const root = await mkdtemp(join(tmpdir(), 'atrium-linux-'));
  await chmod(root, 0o755);
  await Promise.all(
    ['dev/disk/by-id', 'etc/skel', 'etc/sudoers.d', 'home', 'run/atrium'].map((dir) =>
      mkdir(join(root, dir), { recursive: true }),
    ),
  );
  for (const name of ['passwd', 'group', 'shadow', 'gshadow']) await writeFile(join(root, 'etc', name), '');
  await writeFile(join(root, 'etc/skel/.profile'), '# hello\n');
  const loops: string[] = [];
  return {
    root,
    machine: () => linuxMachine(parseConfig({ hub: 'http://h/hub/', cluster: 'c', root }), { clock: systemClock, log }),
    async disk(volume: string, mb: number) {
      const file = join(root, `${volume}.img`);
      await writeFile(file, '');
      await truncate(file, mb * 1024 * 1024);
      const { stdout } = await run('losetup', ['--find', '--show', file]);
      const device = stdout.trim();
      loops.push(device);
      await symlink(device, join(root, 'dev/disk/by-id', `nvme-Amazon_Elastic_Block_Store_${volume.replace('-', '')}`));
      return {
        device,
        file,
        async grow(to: number) {
          await truncate(file, to * 1024 * 1024);
          await run('losetup', ['--set-capacity', device]);
        },
      };
    },
    unmount: () => tryRun(['umount', join(root, 'home/ada')]),
    async [Symbol.asyncDispose]() {
      await tryRun(['umount', '--quiet', join(root, 'home/ada')]);
      for (const loop of loops) await tryRun(['losetup', '--detach', loop]);
      await rm(root, { recursive: true, force: true });
    },
  };
}

test.skipIf(!canLoop)('a blank fresh volume becomes a home once, and is never formatted again', async () => {
  await using it = await lab();
  await it.disk('vol-1', 32);

  const home = await it.machine().openHome(account, { volume: 'vol-1', fresh: true }, silent);
  await writeFile(join(home, 'work.txt'), 'a semester');
  await writeFile(join(home, '.profile'), 'mine');
  // A hub that has not noticed the first mount still says fresh.
  await it.unmount();
  const again = await it.machine().openHome(account, { volume: 'vol-1', fresh: true }, silent);

  expect(again).toBe(join(it.root, 'home/ada'));
  expect(await readFile(join(again, 'work.txt'), 'utf8')).toBe('a semester');
  expect(await readFile(join(again, '.profile'), 'utf8')).toBe('mine');
  const { uid, gid, mode } = await stat(again);
  expect({ uid, gid, mode: mode & 0o777 }).toEqual({ uid: account.uid, gid: account.uid, mode: 0o700 });
  expect(await stat(join(again, 'lost+found')).catch(() => 'none')).toBe('none');
});

test.skipIf(!canLoop)(
  'a blank volume that is not fresh, and one with a partition table, are left as they are',
  async () => {
    await using it = await lab();
    const blank = await it.disk('vol-1', 8);
    const parted = await it.disk('vol-2', 8);
    const table = Buffer.alloc(512);
    table.set([0, 0, 0, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 0, 8, 0, 0], 446);
    table.set([0x55, 0xaa], 510);
    const bytes = await readFile(parted.file);
    table.copy(bytes);
    await writeFile(parted.file, bytes);

    const open = (volume: string, fresh: boolean) => it.machine().openHome(account, { volume, fresh }, silent);
    await expect(open('vol-1', false)).rejects.toMatchObject({ code: 'home_blank' });
    await expect(open('vol-2', true)).rejects.toMatchObject({ code: 'home_unreadable' });

    expect((await readFile(blank.file)).every((byte) => byte === 0)).toBe(true);
    expect((await readFile(parted.file)).equals(bytes)).toBe(true);
  },
);

test.skipIf(!canLoop)('a volume that grew gives its home the room, mounted', async () => {
  await using it = await lab();
  const disk = await it.disk('vol-1', 32);
  const machine = it.machine();
  const home = await machine.openHome(account, { volume: 'vol-1', fresh: true }, silent);
  const before = (await machine.usage(home)).disk.total;

  await disk.grow(64);
  const grown = machine.growHome();

  if (canResize) {
    await grown;
    expect((await machine.usage(home)).disk.total).toBeGreaterThan(before * 1.7);
  } else {
    // The hub hears why, and nobody is kept from their home by it.
    await expect(grown).rejects.toThrow('Permission denied');
    expect(await it.machine().openHome(account, { volume: 'vol-1', fresh: false }, silent)).toBe(home);
  }
});

test.skipIf(!canLoop)('a home from a time when its person had another number follows to the new one', async () => {
  await using it = await lab();
  await it.disk('vol-1', 32);
  const home = await it.machine().openHome(account, { volume: 'vol-1', fresh: true }, silent);
  await run('sh', [
    '-c',
    `cd ${home} && mkdir d && echo x > d/f && chown -R ${account.uid} d && ln -s /etc/passwd link`,
  ]);
  const passwd = (await stat('/etc/passwd')).uid;
  await it.unmount();

  await it.machine().openHome({ ...account, uid: 29_002 }, { volume: 'vol-1', fresh: false }, silent);

  expect((await stat(join(home, 'd/f'))).uid).toBe(29_002);
  expect((await stat('/etc/passwd')).uid).toBe(passwd);
});

test.skipIf(!canLoop)('a restore copies a snapshot’s files as the person, never over what is there', async () => {
  await using it = await lab();
  await it.disk('vol-1', 32);
  await it.disk('vol-2', 32);
  const machine = it.machine();
  const old = await machine.openHome(account, { volume: 'vol-2', fresh: true }, silent);
  await writeFile(join(old, 'lost.txt'), 'found');
  await writeFile(join(old, 'root-only.txt'), 'secret', { mode: 0o600 });
  await run('chown', [`${account.uid}:${account.uid}`, join(old, 'lost.txt')]);
  await it.unmount();
  const home = await machine.openHome(account, { volume: 'vol-1', fresh: true }, silent);
  const task = { id: 't', kind: 'restore', volume: 'vol-2', into: 'restored-2026-11-21' } as const;

  const first = await restore(machine, account, home, task);
  const second = await restore(machine, account, home, task);

  expect(first).toBe('Your files of that day are in restored-2026-11-21; 1 could not be copied.');
  expect(second).toContain('restored-2026-11-21-2');
  expect(await readFile(join(home, 'restored-2026-11-21/lost.txt'), 'utf8')).toBe('found');
  expect((await stat(join(home, 'restored-2026-11-21/lost.txt'))).uid).toBe(account.uid);
  expect(await stat(join(home, 'restored-2026-11-21/root-only.txt')).catch(() => 'none')).toBe('none');
  expect((await tryRun(['findmnt', '--mountpoint', join(it.root, 'run/atrium-public/copies/vol-2')])).code).toBe(1);
});

test.skipIf(process.getuid?.() !== 0)('an account has the hub’s number, no root, and is made once', async () => {
  await using it = await lab();
  const machine = it.machine();

  await machine.makeAccount({ ...account, root: true });
  await machine.makeAccount(account);

  const passwd = await readFile(join(it.root, 'etc/passwd'), 'utf8');
  expect(passwd).toBe('ada:x:29001:29001:Ada  Lovelace  Countess <ada@example.org>:/home/ada:/bin/bash\n');
  expect(await readFile(join(it.root, 'etc/sudoers.d/atrium-person'), 'utf8').catch(() => 'none')).toBe('none');
  await expect(machine.makeAccount({ ...account, uid: 29_005 })).rejects.toMatchObject({ code: 'account_taken' });
  await expect(machine.makeAccount({ ...account, login: 'eve' })).rejects.toMatchObject({ code: 'account_taken' });
});

test('environment and command come through the shell exactly as they are', async () => {
  const env = { PLAIN: 'x', QUOTES: `it's "q" $HOME \`id\` \\ !`, LINES: 'a\nb\n', UMLAUT: 'Łódź €', EMPTY: '' };
  const print = 'process.stdout.write(JSON.stringify([process.env, process.argv.slice(1)]))';
  const script = launchScript({ env, command: [process.execPath, '-e', print, '--', `a b'c`, '', '*'] });
  const dir = await mkdtemp(join(tmpdir(), 'atrium-launch-'));
  await writeFile(join(dir, 'launch'), script);

  const { stdout } = await run('sh', [new URL('../../../units/atrium-server.sh', import.meta.url).pathname], {
    env: { CREDENTIALS_DIRECTORY: dir, PATH: process.env.PATH },
  });
  await rm(dir, { recursive: true });

  const [seen, argv] = JSON.parse(stdout) as [Record<string, string>, string[]];
  expect(seen).toMatchObject(env);
  expect(argv).toEqual([`a b'c`, '', '*']);
});
