import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { testPython } from '../../../tools/test-machine.ts';
import { testWorld } from './test-world.ts';
import { VERSION } from './version.ts';

const run = promisify(execFile);
const python = testPython();
const singleuser = python ? join(python, 'bin', 'jupyterhub-singleuser') : '';
const BUNDLER = fileURLToPath(new URL('../scripts/bundle.mjs', import.meta.url));
const SOON = { timeout: 60_000, interval: 200 };

/** The bundle, made anew: what ships is what is tested. */
async function bundle() {
  const dir = await mkdtemp(join(tmpdir(), 'atrium-bundle-'));
  const file = join(dir, 'atrium-agent.mjs');
  const { bundleAgent } = (await import(BUNDLER)) as { bundleAgent(file: string): Promise<{ bytes: number }> };
  const { bytes } = await bundleAgent(file);
  return { dir, file, bytes, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) };
}

test('the bundle is one file that needs nothing but Node, and says what is wrong', async () => {
  await using made = await bundle();
  const tell = (...args: string[]) =>
    run(process.execPath, [made.file, ...args], { cwd: made.dir }).then(
      ({ stdout }) => `0 ${stdout}`,
      (error: { code: number; stderr: string }) => `${error.code} ${error.stderr}`,
    );
  const config = join(made.dir, 'agent.json');

  expect(made.bytes).toBeLessThan(150_000);
  expect(await tell('--version')).toBe(`0 ${VERSION}\n`);
  expect(JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')).version).toBe(VERSION);
  expect(await tell('--help')).toContain('Usage: atrium-agent');
  expect(await tell()).toMatch(/^2 .*what shall it do/);
  expect(await tell('--oops')).toMatch(/^2 atrium-agent: Unknown option/);
  expect(await tell('--config', config, 'run')).toBe(
    `1 atrium-agent: The configuration ${config} could not be read: ENOENT\n`,
  );
  await writeFile(config, '{');
  expect(await tell('--config', config, 'run')).toContain('is not JSON');
  await writeFile(config, '{"hub":"https://h/hub/"}');
  expect(await tell('--config', config, 'run')).toContain('"cluster" must be');
});

test.skipIf(!existsSync(singleuser))(
  'the bundle runs a real notebook server; cells count as work, also without a hub',
  async () => {
    await using made = await bundle();
    await using world = await testWorld();
    const { port } = await world.machine(1).then(({ expected }) => expected);
    const machine = await world.machine(1, {
      port,
      command: [singleuser, '--log-level=WARN'],
      heartbeatSeconds: 1,
      leaseMs: 6000,
      env: { JUPYTERHUB_ROOT_DIR: '', PATH: `${dirname(singleuser)}:/usr/bin:/bin` },
    });
    const off = join(machine.root, 'off');
    const config = join(made.dir, 'agent.json');
    await chmod(machine.root, 0o755);
    await writeFile(config, JSON.stringify({ ...machine.config, poweroff: ['touch', off] }));
    const agent = spawn(process.execPath, [made.file, '--config', config, 'run'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    agent.stderr.on('data', (chunk) => {
      log += chunk;
    });
    const ended = new Promise((resolve) => agent.on('exit', resolve));
    try {
      const beat = () => world.hub.of(machine.id, 'heartbeat').at(-1)?.body;
      await expect.poll(() => beat()?.server, SOON).toEqual({ state: 'running' });
      expect(beat()).toMatchObject({ busy: false, lastWork: null, kernels: 0 });
      const rss = Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${agent.pid}/status`, 'utf8'))?.[1]) / 1024;
      expect(rss, 'MB of the agent').toBeLessThan(110);

      const [token = ''] = world.hub.tokens.keys();
      const { address, user } = machine.expected;
      const api = `http://${address}:${port}/user/${user}/api/`;
      const headers = { authorization: `token ${token}`, 'content-type': 'application/json' };
      // Our own questions are nobody's activity; a file that is saved is work, without any kernel.
      await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(3);
      const { started, last_activity: last } = (await (await fetch(`${api}status`, { headers })).json()) as {
        started: string;
        last_activity: string;
      };
      expect(Date.parse(last)).toBeLessThan(Date.parse(started) + 1000);
      expect(beat()?.lastWork).toBeNull();
      const saved = { type: 'file', format: 'text', content: 'x' };
      const put = await fetch(`${api}contents/note.txt`, { method: 'PUT', headers, body: JSON.stringify(saved) });
      expect(put.status).toBe(201);
      await expect.poll(() => beat()?.lastWork, SOON).toBeGreaterThan(Date.parse(started));
      const kernel = await fetch(`${api}kernels`, { method: 'POST', headers, body: '{"name":"python3"}' });
      const { id } = (await kernel.json()) as { id: string };
      const cell = await connect(`${api.replace('http', 'ws')}kernels/${id}/channels?token=${token}`);

      // A cell that sleeps takes no processor at all, and is work.
      cell.execute('import time; open("began", "w").close(); time.sleep(25)');
      await expect.poll(() => beat()?.busy, SOON).toBe(true);
      expect(beat()).toMatchObject({ kernels: 1 });
      if (process.getuid?.() === 0) expect((await stat(join(machine.volume, 'began'))).uid).toBe(machine.expected.uid);

      // The hub dies; the lease of six seconds runs out long before the cell ends.
      world.hub.mode = 'dead';
      const died = Date.now();
      await ended;
      const lived = Date.now() - died;
      expect(existsSync(off), log.slice(-2000)).toBe(true);
      expect(lived).toBeGreaterThan(18_000);
      expect(log).toContain('switching this machine off');
      expect(log).not.toContain(token);
      cell.close();
    } finally {
      agent.kill('SIGKILL');
      world.hub.mode = 'well';
      await run('pkill', ['-KILL', '-u', String(machine.expected.uid)]).catch(() => {});
    }
  },
  150_000,
);

/** Jupyter's kernel protocol as far as "run this". */
async function connect(url: string) {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error('the kernel could not be reached'));
  });
  return {
    execute(code: string) {
      const header = {
        msg_id: 'm1',
        msg_type: 'execute_request',
        username: '',
        session: 's1',
        version: '5.3',
        date: new Date().toISOString(),
      };
      const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false };
      socket.send(JSON.stringify({ channel: 'shell', header, parent_header: {}, metadata: {}, content, buffers: [] }));
    },
    close: () => socket.close(),
  };
}
