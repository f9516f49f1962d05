import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { HUB_UID } from '@atrium/sdk';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { remove } from './control.ts';
import type { Place } from './layout.ts';
import { launches } from './look.ts';
import { ada, bob, helperFor } from './test-world.ts';

/** Some account that is neither root nor in the reserved range. */
const SOMEBODY = 64_242;
const REPOSITORY = join(import.meta.dirname, '..', '..', '..');
const NODE = dirname(dirname(process.execPath));

/** Repository and Node may lie under a closed home: a mount namespace shows them to the other account elsewhere. */
const AS_ACCOUNT = `mount --bind "$1" "$3/repo" && mount --bind "$2" "$3/node" &&
  exec setpriv --reuid "$4" --regid "$4" --clear-groups env HOME="$3/home" "$3/node/bin/node" \
    --conditions=atrium-source "$3/repo/plugins/spawner-process/src/$5" "$6"`;

const only = test.skipIf(process.getuid?.() !== 0);
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp('/tmp/atrium-o-');
  await chmod(dir, 0o755);
  for (const name of ['repo', 'node', 'home']) {
    await mkdir(join(dir, name));
    await chmod(join(dir, name), 0o777);
  }
});
afterEach(() => rm(dir, { recursive: true }));

/** Runs a script of this folder as an account; root's verbs for it where it has any. Gives the JSON it wrote. */
async function runAs(uid: number, script: string, argument: unknown, helper?: ReturnType<typeof helperFor>) {
  const args = [AS_ACCOUNT, 'sh', REPOSITORY, NODE, dir, String(uid), script, JSON.stringify(argument)];
  const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  child.on('message', ({ id, verb, input }: { id: number; verb: string; input: unknown }) => {
    const answer = helper ? helper.call(verb, input) : Promise.reject(new Error('no helper'));
    answer.then(
      (value) => child.send({ id, value: value ?? null }),
      ({ message }: Error) => child.send({ id, error: message }),
    );
  });
  const [out, errors] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'exit')]);
  expect(errors).toBe('');
  return JSON.parse(out);
}

only(
  'an ordinary user: namespaces keep people apart although they share the account',
  { timeout: 60_000 },
  async () => {
    const seen = await runAs(SOMEBODY, 'test-ordinary.ts', {});

    if (seen.isolation === 'none') {
      expect(seen.warnings[0]).toMatch(/Servers are not kept apart \(.+\)/);
      return;
    }
    expect(seen.isolation).toBe('partial');
    expect(seen.lives).toEqual(['running', 'exited', 'absent']);
    expect(seen.output.split('\n')).toEqual([
      `${SOMEBODY} ada`,
      'homes: ada-1900001001',
      'account home:',
      'system: read-only',
      'own home: written',
      'others seen: 0',
    ]);
  },
);

only('the hub without root: it reaches servers, and servers do not reach each other', { timeout: 60_000 }, async () => {
  const place: Place = {
    hubId: 'splithub',
    dataDir: join(dir, 'data'),
    runDir: join(dir, 'run'),
    hubUid: HUB_UID,
    hubGid: HUB_UID,
  };
  for (const path of [place.dataDir, place.runDir]) {
    await mkdir(path);
    await chown(path, 0, HUB_UID);
    await chmod(path, 0o1771);
  }
  // Where the hub's account gets to, since the helper shows servers nothing else.
  const tools = join(dir, 'tools');
  await mkdir(tools);
  await copyFile(process.execPath, join(tools, 'node'));
  await Promise.all([tools, join(tools, 'node')].map((path) => chmod(path, 0o755)));
  try {
    const seen = await runAs(HUB_UID, 'test-split.ts', { place, tools }, helperFor(place));

    expect(seen.uid).toBe(HUB_UID);
    expect(seen.isolation).toBe('full');
    expect(seen.answers).toEqual([`ada ${ada.uid}`, `bob ${bob.uid}`]);
    expect(seen.reached).toBe('EACCES or ENOENT');
    expect(seen.log).toContain('started ada');
    expect(seen.listed).toBe(2);
    expect(seen.after).toEqual(['absent', 'absent']);
  } finally {
    for (const ref of await launches(place)) await remove(place, ref);
  }
});
