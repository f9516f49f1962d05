import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type TestBrowser, testBrowser } from '../../packages/hub/src/testing/browser.ts';
import { freePort } from '../../tools/free-port.ts';
import { testPython, testPython5 } from '../../tools/test-machine.ts';
import { testCli } from '../lib/hub.ts';

const LONG = 240_000;
const CONFIG = fileURLToPath(new URL('./jupyterhub_config.py', import.meta.url));
const SERVICE_TOKEN = 'the-secret-of-the-grader';

const HUB = `
import { defineConfig, echoSpawner } from 'atrium';
export default defineConfig({ port: 0, spawner: echoSpawner() });
`;

interface JupyterHub extends AsyncDisposable {
  dir: string;
  origin: string;
  end(): Promise<void>;
}

async function startJupyterHub(python: string): Promise<JupyterHub> {
  const dir = mkdtempSync(join(tmpdir(), 'atrium-moving-in-'));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const child: ChildProcess = spawn(`${python}/bin/python`, ['-m', 'jupyterhub', '-f', CONFIG], {
    cwd: dir,
    env: { PATH: `${python}/bin:${process.env.PATH}`, HOME: dir, HUB_PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const closed = once(child, 'close');
  const end = async () => {
    child.kill('SIGTERM');
    await closed;
  };
  const answers = () =>
    fetch(`${origin}/hub/health`).then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(answers, { timeout: 60_000, message: said }).toBe(200);
  return {
    dir,
    origin,
    end,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await end();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Signs in by the form, and has the hub make a token as the token page does. */
async function signIn(origin: string, name: string): Promise<{ browser: TestBrowser; token: string }> {
  const browser = testBrowser(origin);
  const { status } = await browser.submit('/hub/login', { username: name, password: 'any' });
  expect(status).toBe(302);
  await browser.fetch('/hub/token');
  const xsrf = [...browser.cookies.values()].find((one) => one.name === '_xsrf')?.value ?? '';
  const made = await browser.fetch(`/hub/api/users/${name}/tokens`, {
    method: 'POST',
    headers: { 'x-xsrftoken': xsrf, 'content-type': 'application/json', referer: `${origin}/hub/token` },
    body: JSON.stringify({ note: 'made before' }),
  });
  const { token } = (await made.json()) as { token: string };
  expect(token).toMatch(/^[0-9a-f]{32}$/);
  return { browser, token };
}

async function whoIs(origin: string, token: string): Promise<unknown> {
  const response = await fetch(`${origin}/hub/api/user`, { headers: { authorization: `token ${token}` } });
  const { kind, name, admin } = (await response.json()) as Record<string, unknown>;
  return [response.status, kind, name, admin ?? null];
}

describe.for([
  ['5.5', testPython5()],
  ['6.1', testPython()],
] as const)('moving in from JupyterHub %s', ([, python]) => {
  test.skipIf(!python)(
    'what people and programs had there goes on here: tokens, and browsers that are signed in',
    { timeout: LONG },
    async () => {
      await using old = await startJupyterHub(python ?? '');
      const ada = await signIn(old.origin, 'ada');
      const bob = await signIn(old.origin, 'bob');
      const before = await whoIs(old.origin, bob.token);
      await old.end();

      await using cli = testCli(HUB);
      const up = await cli.up();
      const origin = new URL(up.url).origin;
      const args = [
        'import',
        'jupyterhub',
        '--db',
        join(old.dir, 'jupyterhub.sqlite'),
        '--cookie-secret-file',
        join(old.dir, 'jupyterhub_cookie_secret'),
      ];
      const rehearsed = await cli.run(args);
      const unknown = await whoIs(origin, ada.token);
      const applied = await cli.run([...args, '--apply']);
      const restarted = await cli.run(['restart']);

      expect(rehearsed).toMatchObject({ code: 0, err: '' });
      expect(rehearsed.out).toMatch(/^users: 2 of 2 taken$/m);
      expect(rehearsed.out).toMatch(/^Nothing was changed\./m);
      expect(unknown).toEqual([403, undefined, undefined, null]);
      expect(applied).toMatchObject({ code: 0, err: '' });
      expect(applied.out).not.toContain(ada.token);
      expect(restarted.code).toBe(0);
      expect(before).toEqual([200, 'user', 'bob', false]);
      expect(await whoIs(origin, bob.token)).toEqual(before);
      expect(await whoIs(origin, ada.token)).toEqual([200, 'user', 'ada', true]);
      expect(await whoIs(origin, SERVICE_TOKEN)).toEqual([200, 'service', 'grader', false]);
      // A role that the service has: it sees people, and makes none.
      const asService = (method: string, path: string) =>
        fetch(`${origin}/hub/api${path}`, { method, headers: { authorization: `token ${SERVICE_TOKEN}` } });
      const listed = await asService('GET', '/users');
      expect(((await listed.json()) as { name: string }[]).map(({ name }) => name).sort()).toEqual(['ada', 'bob']);
      expect((await asService('POST', '/users/carol')).status).toBe(403);

      const moved = testBrowser(origin);
      for (const [key, cookie] of bob.browser.cookies) moved.cookies.set(key, cookie);
      const home = await moved.fetch('/hub/home');
      expect(home.status).toBe(200);
      expect(await home.text()).toContain('bob');

      const taken = await cli.run(['import', 'jupyterhub', '--undo', '--apply']);
      expect(taken.code).toBe(0);
      expect(await whoIs(origin, ada.token)).toEqual([403, undefined, undefined, null]);
      expect((await moved.fetch('/hub/home')).status).toBe(302);
    },
  );
});
