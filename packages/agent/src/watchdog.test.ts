import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('../units/watchdog.sh', import.meta.url));
const NOW = 1_795_000_000;
const HOUR = 3600;

/** A machine's root with the files the watchdog reads; times in seconds before NOW. */
async function machine() {
  const root = await mkdtemp(join(tmpdir(), 'atrium-watchdog-'));
  const at = (name: string) => join(root, name);
  const put = async (name: string, text: string, age: number, now = NOW) => {
    await mkdir(dirname(at(name)), { recursive: true });
    await writeFile(at(name), text);
    await utimes(at(name), now - age, now - age);
  };
  /** Looks `times` times, 45 s apart; answers the look that switched the machine off. */
  const look = async (times: number, from = NOW) => {
    for (let n = 1; n <= times; n++) {
      const env = {
        PATH: process.env.PATH,
        ATRIUM_ROOT: root,
        ATRIUM_NOW: String(from + (n - 1) * 45),
        ATRIUM_POWEROFF: `touch ${at('off')}`,
      };
      await run('sh', [SCRIPT], { env });
      if (await readFile(at('off')).catch(() => undefined)) return n;
    }
    return undefined;
  };
  return {
    put,
    look,
    booted: (age: number) => put('run/atrium/booted', '', age),
    lease: (left: number, age = 30) => put('run/atrium/lease', String((NOW + left) * 1000), age),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

test('a lease that holds: nothing happens', async () => {
  await using it = await machine();
  await it.lease(600);
  expect(await it.look(5)).toBeUndefined();
});

test('a lease that ran out: off at the second look', async () => {
  await using it = await machine();
  await it.lease(-1, 1800);
  expect(await it.look(3)).toBe(2);
});

test('one look after hibernation is not enough; a heartbeat in between saves the machine', async () => {
  await using it = await machine();
  await it.lease(-9 * HOUR, 9 * HOUR);
  expect(await it.look(1)).toBeUndefined();
  await it.lease(1800, 0);
  expect(await it.look(2)).toBeUndefined();
});

test('real work that the agent saw holds the machine until the hard limit', async () => {
  await using it = await machine();
  await it.put('run/atrium/limits', `${2 * HOUR} ${NOW + 99 * HOUR}`, 0);
  await it.lease(-HOUR);
  await it.put('run/atrium/busy', '', 30);
  expect(await it.look(4)).toBeUndefined();
  await it.lease(-2 * HOUR);
  expect(await it.look(3)).toBe(2);
});

test('an agent that died long ago does not count as work', async () => {
  await using it = await machine();
  await it.lease(-HOUR);
  await it.put('run/atrium/busy', '', 601);
  expect(await it.look(3)).toBe(2);
});

test('without the agent, programs that compute hold the machine', async () => {
  await using it = await machine();
  await it.lease(-HOUR);
  const stat = 'sys/fs/cgroup/system.slice/system-atrium\\x2dserver.slice/atrium-server@20001.service/cpu.stat';
  for (let n = 0; n < 4; n++) {
    await it.put(stat, `usage_usec ${1e6 + n * 40e6}\nuser_usec 5\n`, 0);
    expect(await it.look(1, NOW + n * 45)).toBeUndefined();
  }
  // Idle from now on.
  expect(await it.look(3, NOW + 4 * 45)).toBe(2);
});

test('no lease since the boot: off after half an hour, not before', async () => {
  await using it = await machine();
  await it.booted(1700);
  expect(await it.look(2)).toBeUndefined();
  await it.booted(1801);
  expect(await it.look(3)).toBe(2);
});

test('the session is over and the agent did nothing: off under a lease that holds', async () => {
  await using it = await machine();
  await it.lease(600);
  await it.put('run/atrium/limits', `43200 ${NOW - 299}`, 0);
  expect(await it.look(1)).toBeUndefined();
  await it.put('run/atrium/limits', `43200 ${NOW - 301}`, 0);
  expect(await it.look(3)).toBe(2);
});

test.each(['', 'soon', '99999999999999999999', '-5', '$(touch pwned)'])(
  'a damaged lease (%j) counts from its own time',
  async (text) => {
    await using it = await machine();
    await it.put('run/atrium/lease', text, 1700);
    expect(await it.look(1)).toBeUndefined();
    await it.put('run/atrium/lease', text, 1801);
    expect(await it.look(3)).toBe(2);
  },
);

test('damaged limits do not stop the watchdog', async () => {
  await using it = await machine();
  await it.put('run/atrium/limits', 'abc def', 0);
  await it.put('run/atrium/cpu', 'x y', 0);
  await it.lease(-1, 1800);
  expect(await it.look(3)).toBe(2);
});
