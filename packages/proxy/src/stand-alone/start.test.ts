import { readFileSync } from 'node:fs';
import type { Log } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { httpServer, openClient, quiet, testDir } from '../test-kit.ts';
import { testAuthority } from '../tls/test-certificates.ts';
import { type StandAloneOptions, startStandAlone } from './start.ts';
import { fileStampsOf } from './tls-files.ts';

const start = (more: Partial<StandAloneOptions>) =>
  startStandAlone({
    listen: { host: '127.0.0.1', port: 0 },
    api: { host: '127.0.0.1', port: 0 },
    targetTls: { context: {}, insecure: false },
    hostRouting: false,
    prependPath: true,
    includePrefix: true,
    xForward: true,
    changeOrigin: false,
    autoRewrite: false,
    protocolRewrite: undefined,
    customHeaders: {},
    log: quiet,
    ...more,
  });

const routesOf = async (at: { port: number }) =>
  (await (await fetch(`http://127.0.0.1:${at.port}/api/routes`)).json()) as Record<string, { target: string }>;
const setRoute = async (at: { port: number }, key: string, target: string) => {
  const url = `http://127.0.0.1:${at.port}/api/routes${key}`;
  expect((await fetch(url, { method: 'POST', body: JSON.stringify({ target }) })).status).toBe(201);
};

test('a default target that is taken from the command line is gone; a route / that was set stays', async () => {
  await using dir = await testDir();
  const stateFile = `${dir.path}/routes.json`;
  const during = async (more: Partial<StandAloneOptions>, set?: [key: string, target: string]) => {
    await using proxy = await start({ stateFile, ...more });
    if (set) await setRoute(proxy.api, ...set);
    return Object.entries(await routesOf(proxy.api)).map(([key, { target }]) => `${key} ${target}`);
  };

  expect(await during({ defaultTarget: 'http://a' }, ['/x', 'http://x'])).toEqual(['/ http://a', '/x http://x']);
  expect(await during({})).toEqual(['/x http://x']);
  await during({ defaultTarget: 'http://a' }, ['/', 'http://b']);
  expect(await during({})).toContain('/ http://b');
  expect(await during({ defaultTarget: 'http://a' })).toContain('/ http://b');
});

test('routes of a proxy with host routing mean nothing to one without', async () => {
  await using dir = await testDir();
  const stateFile = `${dir.path}/routes.json`;
  const said: string[] = [];
  const log: Log = { ...quiet, warn: (facts) => void said.push(String((facts as { err?: Error }).err?.message)) };
  {
    await using proxy = await start({ stateFile, hostRouting: true });
    await setRoute(proxy.api, '/ada.example.org', 'http://a');
  }
  expect(JSON.parse(readFileSync(stateFile, 'utf8'))).toMatchObject({ hostRouting: true });

  await using proxy = await start({ stateFile, log });

  expect(await routesOf(proxy.api)).toEqual({});
  expect(said).toEqual(['they were set at a proxy with host routing']);
});

test('a handshake with the API that stops half way holds up neither the public side nor the end', async () => {
  await using dir = await testDir();
  const files = testAuthority(dir.path).issue('api', ['api.example.org']);
  const read = () => ({ cert: readFileSync(files.cert), key: readFileSync(files.key) });
  const paths = [files.cert, files.key];
  const apiTls = { options: read(), files: paths, stamps: fileStampsOf(paths), read };
  await using server = await httpServer((_, reply) => void setImmediate(() => reply.end('done')));
  const { port } = server.address as { port: number };
  await using proxy = await start({ apiTls, defaultTarget: `http://127.0.0.1:${port}` });
  using half = await openClient(proxy.api.port);
  half.socket.write(Buffer.from([0x16, 3, 1]));
  using idle = await openClient(proxy.listening.port);
  idle.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await idle.sees('done');

  await proxy.close();

  await Promise.all([half.ended(), idle.ended()]);
  await expect(openClient(proxy.listening.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('a custom field stands in the place of what the client and the proxy itself say under its name', async () => {
  await using target = await httpServer((request, reply) => reply.end(JSON.stringify(request.rawHeaders)));
  if (target.address.kind !== 'tcp') throw new Error('listens on TCP');
  await using proxy = await start({
    defaultTarget: `http://127.0.0.1:${target.address.port}`,
    customHeaders: { 'X-Forwarded-Proto': 'https', X_User: 'proxy' },
  });
  const answer = await fetch(`http://127.0.0.1:${proxy.listening.port}/`, {
    headers: { 'x-forwarded-proto': 'gopher', x_user: 'root' },
  });

  const seen = (await answer.json()) as string[];
  const valuesOf = (name: string) => seen.filter((_, at) => at % 2 === 1 && seen[at - 1]?.toLowerCase() === name);
  expect([valuesOf('x-forwarded-proto'), valuesOf('x_user')]).toEqual([['https'], ['proxy']]);
  expect(valuesOf('x-forwarded-for')).toHaveLength(1);
});
