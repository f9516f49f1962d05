import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cacheDir } from '../../scripts/lib/root.mjs';
import { testPython } from '../../tools/test-machine.ts';
import { serversOf } from '../lib/api-client.ts';
import { chance } from '../lib/chance.ts';
import { openKernel } from '../lib/kernel.ts';
import { killHub } from '../lib/kill-hub.ts';
import { doubledServers, serverProcesses } from '../lib/processes.ts';
import { hubIdOf, sqliteQuery } from '../lib/reality.ts';
import { type Changeable, changeableEnvironment, shadowFor } from './environment.ts';
import { expectStart, readyTemplates, untilWarm } from './warmth.ts';
import { logOf, type Started, startWorld, type World } from './world.ts';

const MINUTE = 60_000;
/** After the supervisor has started another hub. */
const COMES = { timeout: 2 * MINUTE, interval: 100 };
const IN_THE_LOG = { timeout: 10_000, interval: 50 };
/** A template is found to be gone or stale, and another one loaded. */
const REPLACED = { timeout: 2 * MINUTE, interval: 500 };

/** Every start that is tried here must give a server that answers: `begin` fails the test otherwise. */
describe.skipIf(process.platform !== 'linux' || !testPython())('when something is in the way of a warm start', () => {
  let dir: string;
  let world: World;
  let environment: Changeable;

  beforeAll(async () => {
    mkdirSync(cacheDir, { recursive: true });
    dir = mkdtempSync(join(cacheDir, 'warm-'));
    // As an environment for everybody is: whoever loads a template has to get there.
    chmodSync(dir, 0o755);
    environment = changeableEnvironment(join(dir, 'python'), testPython()!);
    world = await startWorld();
    await world.serve({ start: 'warm', ...settingOf(environment) });
  }, 8 * MINUTE);
  beforeEach(async () => {
    await untilWarm(world.cli);
  }, 6 * MINUTE);
  afterEach(async () => {
    for (const user of ['ada', 'bob']) await world.end(user);
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    if (dir) rmSync(dir, { recursive: true, force: true });
  }, MINUTE);

  const template = async () => (await readyTemplates(world.cli))[0]!;
  /** Until somebody's start is warm again, from a template that is not this one. */
  const warmAgain = async (instead: number) => {
    await expect
      .poll(async () => (await readyTemplates(world.cli)).map(({ pid }) => pid), REPLACED)
      .not.toContain(instead);
    await untilWarm(world.cli);
    await expectStart(world, await world.begin('bob'), 'warm');
  };

  test('something else asked to be called at the end before the template could see it: kernels are warm', async () => {
    await world.begin('ada');
    await using kernel = await openKernel(new URL('user/ada/', world.up.url), world.token);

    expect(await kernel.run('import os; print(open(f"/proc/{os.getppid()}/comm").read())')).toBe('atrium-kernels');
  });

  test('its template was killed: it is cold, says so, and the next template serves', {
    timeout: 5 * MINUTE,
  }, async () => {
    const { pid } = await template();

    process.kill(pid, 'SIGKILL');
    const server = await world.begin('ada');

    const { reason, detail } = await expectStart(world, server, 'cold');
    expect(['template', 'not_ready']).toContain(reason);
    expect(detail).not.toBe('');
    await warmAgain(pid);
  });

  test('its template hangs: it is cold, says so, and the next template serves', { timeout: 5 * MINUTE }, async () => {
    const { pid } = await template();

    process.kill(pid, 'SIGSTOP');
    const server = await world.begin('ada');

    const { reason, detail } = await expectStart(world, server, 'cold');
    expect([reason, detail]).toEqual(['template', expect.stringMatching(/\S/)]);
    await warmAgain(pid);
  });

  test('a package was upgraded under it: no server runs the old one', { timeout: 6 * MINUTE }, async () => {
    const { pid } = await template();
    await expectStart(world, await world.begin('ada'), 'warm');
    await world.end('ada');

    environment.upgrade('99.0', 'this is 99.0');
    const server = await world.begin('ada');

    await expect.poll(() => outputOf(world, server), IN_THE_LOG).toContain('this is 99.0');
    await warmAgain(pid);
    environment.upgrade('99.1', 'this is 99.1');
    await world.end('bob');
    const next = await world.begin('bob');
    await expect.poll(() => outputOf(world, next), IN_THE_LOG).toContain('this is 99.1');
  });

  test('a person has a package of their own beside a loaded one: Python decides which counts, in a cold start', {
    timeout: 5 * MINUTE,
  }, async () => {
    await world.begin('ada');
    await world.end('ada');
    const remove = shadowFor(world.home('ada'), environment, statSync(world.home('ada')), 'this is my own');

    const server = await world.begin('ada');

    const { reason, detail } = await expectStart(world, server, 'cold');
    expect([reason, detail]).toEqual(['shadowed', expect.stringContaining('jupyter_server_terminals')]);
    // It is her affair alone.
    const other = await world.begin('bob');
    await expectStart(world, other, 'warm');
    remove();
    await world.end('ada');
    await expectStart(world, await world.begin('ada'), 'warm');
  });

  test('the hub is killed in the middle of some: every server comes, and one of each', {
    timeout: 4 * MINUTE,
  }, async () => {
    const users = ['ada', 'bob', 'cy', 'di', 'eve'];
    const random = chance();
    await world.api('POST', '/users', { usernames: users.slice(1) });
    const hubId = await hubIdOf(sqliteQuery(world.cli.places));

    const asked = Promise.all(users.map((user) => world.api('POST', `/users/${user}/server`)));
    const moment = random.next() * 1_500;
    await delay(moment);
    console.log(`CRASH_SEED=${random.seed}: killed ${Math.round(moment)} ms after five starts were asked for`);
    await killHub(world.up);
    const answers = (await asked).map(({ status }) => status);

    // What was heard is done; what was cut off before that may be asked for again.
    const cutOff = users.filter((_, at) => ![201, 202].includes(answers[at]!));
    await Promise.all(cutOff.map((user) => world.api('POST', `/users/${user}/server`)));
    await expect.poll(() => unready(world, users), COMES).toEqual([]);
    expect(doubledServers(hubId)).toEqual([]);
    const launches = serverProcesses(hubId).filter(({ isServer }) => isServer);
    expect(new Set(launches.map(({ launch }) => launch)).size).toBe(users.length);
    for (const user of users.slice(2)) await world.end(user);
  });

  test.skipIf(process.getuid?.() !== 0)(
    'the disk of homes and logs is full: it is warm as ever',
    { timeout: 3 * MINUTE },
    async () => {
      await using full = await fullDisk(['homes', 'logs'].map((name) => join(world.places.dataDir, name)));
      expect(full.isFull()).toBe(true);

      const server = await world.begin('ada');

      await expectStart(world, server, 'warm');
      await world.end('ada');
    },
  );
});

test.skipIf(process.platform !== 'linux' || !testPython())(
  'variables of Python for every server: it is cold, and they count',
  { timeout: 3 * MINUTE },
  async () => {
    await using world = await startWorld();
    // Warm starts are wanted, and there is no template to wait for.
    await world.serve({
      start: 'warm',
      python: testPython()!,
      more: "environment: { PYTHONHASHSEED: '7' }",
      wait: false,
    });

    const server = await world.begin('ada');

    const { reason } = await expectStart(world, server, 'cold');
    expect(reason).toBe('python_variables');
    expect(readFileSync(`/proc/${server.pid}/environ`, 'utf8')).toContain('PYTHONHASHSEED=7');
  },
);

const settingOf = ({ dir, base }: Changeable) => ({ python: dir, more: `readOnlyPaths: [${JSON.stringify(base)}]` });

async function unready({ api }: World, users: readonly string[]): Promise<string[]> {
  const servers = await serversOf(api);
  return users.filter((user) => !servers.get(user)?.ready);
}

/** Puts a small file system that has no space left over each folder, until it is disposed of. */
async function fullDisk(folders: readonly string[]): Promise<AsyncDisposable & { isFull(): boolean }> {
  for (const folder of folders) {
    const { uid, gid, mode } = statSync(folder);
    const options = `size=64k,uid=${uid},gid=${gid},mode=${(mode & 0o7777).toString(8)}`;
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
    writeFileSync(join(folder, '.filler'), Buffer.alloc(64 * 1024));
  }
  return {
    isFull: () => folders.every((folder) => statfsSync(folder).bavail === 0),
    async [Symbol.asyncDispose]() {
      // What a server still holds open there goes with it.
      for (const folder of folders) execFileSync('umount', ['--lazy', folder]);
    },
  };
}

/** What this start wrote. */
function outputOf(world: World, server: Started): string {
  const { logFrom } = JSON.parse(readFileSync(join(world.places.runDir, 's', server.launch, 'meta.json'), 'utf8')) as {
    logFrom: number;
  };
  return Buffer.from(logOf(world, server)).subarray(logFrom).toString();
}
