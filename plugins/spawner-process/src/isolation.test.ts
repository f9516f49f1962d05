import { realpath } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ada, begin, bob, openOn, type ProcessWorld, processWorld, runScript } from './test-world.ts';

let world: ProcessWorld;
beforeAll(async () => {
  world = await processWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const isolated = async () => (await openOn(world)).caps.isolation !== 'none';
const asRoot = process.getuid?.() === 0;

test('a server sees itself, its own home folder and nothing of anybody else', async ({ skip }) => {
  if (!(await isolated())) skip('this kernel allows no namespaces to this account');
  await runScript(world, 'echo secret > bobs-file', {}, bob);
  const neighbour = await begin(await openOn(world), bob, 1);
  await neighbour.until('running');

  const { output, seen } = await runScript(
    world,
    `set -e; touch mine /tmp/mine /dev/shm/mine
     echo "user $(id -un)"; echo "home $(pwd) $(ls)"; echo "tmp $(ls /tmp | grep -c mine)"
     echo "homes $(ls ${world.place.dataDir}/homes)"; echo "data $(ls ${world.place.dataDir})"
     echo "run $(ls ${world.place.runDir}/s)"
     echo "processes $(ls -d /proc/[0-9]* | wc -l)"; cat /proc/[0-9]*/cmdline | tr '\\0' ' '`,
  );

  expect(seen).toMatchObject({ phase: 'exited', exit: { code: 0 } });
  const line = (word: string) => new RegExp(`^${word} (.*)$`, 'm').exec(output)?.[1];
  expect(line('user')).toBe('ada');
  expect(line('home')).toBe(`${world.place.dataDir}/homes/${ada.storage} mine`);
  expect(line('homes')).toBe(ada.storage);
  expect(line('data')).toBe('homes');
  expect(line('run')).toMatch(/^srv1900001001\.\d+$/);
  expect(Number(line('processes'))).toBeLessThan(8);
  expect(output).not.toContain(process.execPath);
  const again = await runScript(world, 'ls; ls /tmp | grep -c mine');
  expect(again.output).toBe('mine\n0');
});

test.skipIf(!asRoot)('as root, each person has an account, and no privilege at all', async () => {
  const script = `id -u; id -g; id -G; grep -E '^(Cap|NoNewPrivs)' /proc/self/status; stat -c '%u %a' .`;

  const [one, other] = [await runScript(world, script, {}, ada), await runScript(world, script, {}, bob)];

  for (const [{ output }, { uid }] of [
    [one, ada],
    [other, bob],
  ] as const) {
    expect(output.split('\n').slice(0, 3)).toEqual([`${uid}`, `${uid}`, `${uid}`]);
    expect([...output.matchAll(/^Cap\w+:\t(\d+)$/gm)].map(([, bits]) => bits)).toEqual(Array(5).fill('0'.repeat(16)));
    expect(output).toMatch(/^NoNewPrivs:\t1$/m);
    expect(output).toMatch(new RegExp(`^${uid} 700$`, 'm'));
  }
});

test('what hides others cannot be taken away from inside', async ({ skip }) => {
  if (!(await isolated())) skip('this kernel allows no namespaces to this account');
  const { dataDir } = world.place;

  const { output } = await runScript(
    world,
    `umount ${dataDir} /tmp 2>&1; unshare --user --map-root-user --mount sh -c 'umount -l /tmp; umount -l ${dataDir}'; ls ${dataDir} /tmp/*; nsenter -t 1 -m true; echo done`,
  );

  expect(output).toContain('done');
  expect(output).not.toContain('logs');
});

test('variables of a server reach the server, whatever they hold, and none of the hub comes along', async () => {
  const environment = { LD_PRELOAD: '/nowhere.so', QUOTED: `a 'b' "c" $(id) \`id\`\nsecond line`, EMPTY: '' };

  const { output } = await runScript(world, 'unset LD_PRELOAD; env | grep -v "^LD_PRELOAD"', { environment });

  expect(output).toContain(`QUOTED=${environment.QUOTED}\n`);
  expect(output).toMatch(/^EMPTY=$/m);
  expect(output).toMatch(/^JUPYTERHUB_API_TOKEN=f{32}$/m);
  expect(output).toMatch(/^HOME=.*\/homes\/ada-1900001001$/m);
  expect(output).not.toMatch(/^(npm_|VITEST|ATRIUM_ENV|ATRIUM_DIR)/m);
});

test('a link in place of the socket leads hub and proxy nowhere', async () => {
  const script = `ln -s /run/hub-internal.sock "$ATRIUM_SOCKET"; sleep 60`;
  const spawner = await openOn(world, { command: ['/bin/sh', '-c', script] });
  const life = await begin(spawner, ada, 60);
  await expect.poll(async () => (await life.observe()).progress?.length, { timeout: 10_000 }).toBe(2);

  expect((await life.observe()).phase).toBe('starting');
  expect((await life.observe()).address).toBeUndefined();
  await spawner.stop(life.ref, { graceMs: 0, force: true }, life.io);
  await life.until('exited');
  await spawner.destroy(life.ref, life.io);
});

test('a command that cannot listen on a socket binds a port and reports it', async () => {
  const server = `require('node:http').createServer((q, r) => r.end('hi')).listen(0, '127.0.0.1', function () {
    require('node:fs').writeFileSync(process.env.ATRIUM_PORT_FILE, this.address().port + '\\n');
  })`;
  const spawner = await openOn(world, { address: 'tcp', command: [process.execPath, '-e', server] });
  const life = await begin(spawner, ada, 70);

  const { address } = await life.until('running');

  expect(address).toMatchObject({ kind: 'tcp', host: '127.0.0.1' });
  expect(await (await fetch(`http://127.0.0.1:${address!.kind === 'tcp' && address!.port}/`)).text()).toBe('hi');
  await spawner.stop(life.ref, { graceMs: 0, force: true }, life.io);
  await life.until('exited');
  await spawner.destroy(life.ref, life.io);
});

test('a data directory that is a link hides what it leads to', async ({ skip }) => {
  if (!(await isolated())) skip('this kernel allows no namespaces to this account');
  await using linked = await processWorld({}, 'linked');
  const real = await realpath(linked.place.dataDir);
  await runScript(linked, 'true', {}, bob);

  const { output } = await runScript(linked, `pwd; ls ${real}/homes ${linked.place.dataDir}/homes`);

  expect(output).toContain(`${linked.place.dataDir}/homes/${ada.storage}`);
  expect(output).not.toContain(bob.storage!);
});
