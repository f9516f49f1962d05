import { execFileSync } from 'node:child_process';
import { appendFile, chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { homesDir, launchDir, type ProcessRef } from './layout.ts';
import { readClaim, signal } from './processes.ts';
import { ada, ask, begin, bob, type Life, openOn, type ProcessWorld, untilReady, warmWorld } from './test-world.ts';

let world: ProcessWorld & { readonly script: string };
beforeEach(async () => {
  world = await warmWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const STARTS = 30;
const dirOf = (life: Life) => launchDir(world.place, life.ref as ProcessRef);

/** How a start was made, as its folder says. */
const startOf = async (life: Life) => JSON.parse(await readFile(join(dirOf(life), 'start'), 'utf8'));

/** What a server says of itself, as soon as it answers. */
async function factsOf(life: Life) {
  const { address } = await life.until('running');
  let said = '';
  await expect
    .poll(
      async () => {
        said = await ask(address!, '/facts').catch(() => '');
        return said;
      },
      { timeout: 20_000 },
    )
    .not.toBe('');
  return JSON.parse(said);
}

async function end(life: Life, spawner: Awaited<ReturnType<typeof openOn>>) {
  await spawner.stop(life.ref, { graceMs: 1_000, force: false }, life.io);
  const seen = await life.until('exited');
  await spawner.destroy(life.ref, life.io);
  return seen;
}

test('two warm servers are two people’s: account, home, variables and randomness are each one’s own', async () => {
  const spawner = await openOn(world);
  const lives = [await begin(spawner, ada), await begin(spawner, bob)];

  const [one, other] = await Promise.all(lives.map(factsOf));

  for (const life of lives) expect(await startOf(life)).toMatchObject({ start: 'warm' });
  expect([one.user, other.user]).toEqual(['ada', 'bob']);
  expect(one.cwd).toBe(join(homesDir(world.place), ada.storage!));
  expect(one.environ.HOME).toBe(one.cwd);
  expect(one.argv[0]).toBe(world.script);
  if (process.getuid?.() === 0) expect([one.uid, other.uid]).toEqual([ada.uid, bob.uid]);
  for (const at of [0, 1, 2]) expect(one.random[at]).not.toBe(other.random[at]);
  expect(JSON.stringify(one)).not.toContain('atrium-warm-');
  // No notebook server, and so without kernels.
  expect((await spawner.warm!()).templates[0]?.detail).toMatch(
    /^Kernels start cold: the environment has none: .*jupyter_client/,
  );
  for (const life of lives) expect(await end(life, spawner)).toMatchObject({ exit: { code: 0, reason: 'stopped' } });
});

test('a server outlives its template, and its end is still known', async () => {
  const spawner = await openOn(world);
  const life = await begin(spawner, ada);
  await factsOf(life);
  const template = await untilReady(spawner);

  signal(template.pid!, 'SIGKILL');

  await expect.poll(async () => (await spawner.warm!()).templates[0]?.pid, { timeout: 20_000 }).toBe(null);
  expect((await life.observe()).phase).toBe('running');
  const first = await readClaim(join(dirOf(life), 'init'));
  if (!first || first === 'void') throw new Error('no first process');
  signal(first.pid, 'SIGKILL');
  expect(await life.until('exited')).toMatchObject({ exit: { signal: 'SIGKILL' }, fault: { code: 'killed' } });
});

test('a template that was killed, and one that hangs: the start is a cold one', { timeout: 120_000 }, async () => {
  const spawner = await openOn(world);
  const killed = await untilReady(spawner);
  signal(killed.pid!, 'SIGKILL');

  const one = await begin(spawner, ada);

  expect((await factsOf(one)).user).toBe('ada');
  expect(await startOf(one)).toMatchObject({ start: 'cold' });
  await end(one, spawner);
  await expect
    .poll(async () => (await spawner.warm!()).templates[0]?.state, { timeout: 60_000, interval: 500 })
    .toBe('ready');
  const hung = await untilReady(spawner);
  signal(hung.pid!, 'SIGSTOP');

  const two = await begin(spawner, ada, 2);

  expect((await factsOf(two)).user).toBe('ada');
  expect(await startOf(two)).toMatchObject({ start: 'cold', reason: 'template' });
  await end(two, spawner);
});

test('an environment that changes on disk gets a new template, and a start meanwhile is cold', async () => {
  const spawner = await openOn(world);
  const before = await untilReady(spawner);
  await appendFile(world.script, '# changed\n');

  const life = await begin(spawner, ada);

  await factsOf(life);
  expect(await startOf(life)).toMatchObject({ start: 'cold', reason: 'not_ready' });
  expect((await untilReady(spawner)).pid).not.toBe(before.pid);
  await end(life, spawner);
});

test('a module that is edited in place: the next server has the new one, and there is a new template', {
  timeout: 120_000,
}, async () => {
  const module = join(dirname(world.script), 'greeting.py');
  await writeFile(module, 'WORD = "old"\n');
  await chmod(module, 0o644);
  const script = await readFile(world.script, 'utf8');
  const saying = script.replace('import json\n', 'import json\nimport greeting\n');
  await writeFile(world.script, saying.replace('facts = {', 'facts = {"greeting": greeting.WORD, '));
  const spawner = await openOn(world);
  const before = await untilReady(spawner);
  const first = await begin(spawner, ada);
  expect(await factsOf(first)).toMatchObject({ greeting: 'old' });
  expect(await startOf(first)).toMatchObject({ start: 'warm' });
  // Its folder is as it was.
  await writeFile(module, 'WORD = "newer"\n');

  const second = await begin(spawner, bob);

  expect(await factsOf(second)).toMatchObject({ greeting: 'newer' });
  expect(await startOf(second)).toMatchObject({ start: 'cold', reason: 'not_ready', detail: `${module} was changed` });
  expect((await untilReady(spawner)).pid).not.toBe(before.pid);
  await end(first, spawner);
  const third = await begin(spawner, ada, 2);
  expect(await factsOf(third)).toMatchObject({ greeting: 'newer' });
  expect(await startOf(third)).toMatchObject({ start: 'warm' });
  for (const life of [second, third]) await end(life, spawner);
});

test('variables that Python reads before any program make a cold start', async () => {
  const spawner = await openOn(world, { environment: { PYTHONUNBUFFERED: '1' } });
  const life = await begin(spawner, ada);

  expect((await factsOf(life)).environ.PYTHONUNBUFFERED).toBe('1');
  expect(await startOf(life)).toMatchObject({ start: 'cold', reason: 'python_variables' });
  await end(life, spawner);
});

test('what a person’s own packages do before any program makes a cold start', async () => {
  const spawner = await openOn(world);
  const first = await begin(spawner, ada);
  const { environ } = await factsOf(first);
  const version = await pythonVersion();
  await end(first, spawner);
  const packages = join(environ.HOME, '.local', 'lib', `python${version}`, 'site-packages');
  await mkdir(packages, { recursive: true });
  await writeFile(join(packages, 'usercustomize.py'), 'import os\nos.environ["MINE"] = "yes"\n');
  // As the person's own.
  for (let dir = packages; dir !== environ.HOME; dir = dirname(dir)) await chmod(dir, 0o755);
  await chmod(join(packages, 'usercustomize.py'), 0o644);

  const life = await begin(spawner, ada, 2);

  expect((await factsOf(life)).environ.MINE).toBe('yes');
  expect(await startOf(life)).toMatchObject({ start: 'cold', reason: 'shadowed' });
  await end(life, spawner);
});

test('starts leave nothing in the template: no process, no open file', { timeout: 120_000 }, async () => {
  const spawner = await openOn(world);
  const { pid } = await untilReady(spawner);
  const files = async () => (await readdir(`/proc/${pid}/fd`)).length;
  const before = await files();

  for (let generation = 1; generation <= STARTS; generation += 1) {
    const life = await begin(spawner, ada, generation);
    await life.until('running');
    expect(await startOf(life)).toMatchObject({ start: 'warm' });
    await end(life, spawner);
  }

  await expect.poll(() => childrenOf(pid!), { timeout: 10_000 }).toEqual([]);
  expect(await files()).toBe(before);
  expect((await spawner.warm!()).starts).toMatchObject({ warm: STARTS });
});

async function childrenOf(parent: number): Promise<string[]> {
  const found: string[] = [];
  for (const name of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent) found.push(stat);
  }
  return found;
}

async function pythonVersion(): Promise<string> {
  const line = (await readFile(world.script, 'utf8')).split('\n', 1)[0]!.slice(2);
  return execFileSync(line, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], { encoding: 'utf8' }).trim();
}
