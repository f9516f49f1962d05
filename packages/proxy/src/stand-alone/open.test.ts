import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { openClient, quiet, rawServer, testDir, until } from '../test-kit.ts';
import { testAuthority } from '../tls/test-certificates.ts';
import { type Opened, openHttp, openPublic } from './open.ts';

const dir = await testDir();
afterAll(() => dir[Symbol.asyncDispose]());
const authority = testAuthority(dir.path);
const files = authority.issue('hub', ['hub.example.org']);
const tls = { cert: readFileSync(files.cert), key: readFileSync(files.key) };
const where = { host: '127.0.0.1', port: 0 };
/** How a TLS client begins. */
const BEGINNING = Buffer.from([0x16, 3, 1]);

const sides: Record<string, (handshakeTimeout: number) => Promise<Opened>> = {
  public: (handshakeTimeout) => openPublic(where, { ...tls, handshakeTimeout }, quiet, () => {}),
  API: (handshakeTimeout) => openHttp(where, { ...tls, handshakeTimeout }, quiet, () => {}),
};

test.each(Object.entries(sides))('%s side: a handshake that stops half way ends', async (_name, open) => {
  const server = await open(100);
  using client = await openClient(server.port);
  client.socket.write(BEGINNING);

  await client.ended();

  await server.closed();
});

test.each(Object.entries(sides))('%s side: nobody in the middle of a handshake holds up the end', async (_n, open) => {
  const server = await open(3_600_000);
  using client = await openClient(server.port);
  using silent = await openClient(server.port);
  client.socket.write(BEGINNING);
  // Connections are accepted in their order.
  using last = await openClient(server.port);
  last.socket.write('no TLS\r\n\r\n');
  await last.ended();

  await server.closed();

  await Promise.all([client.ended(), silent.ended()]);
});

test('the socket of a proxy that was killed is no obstacle', async () => {
  const path = `${dir.path}/killed.sock`;
  const left = createServer().listen(path);
  await until('the socket is there', () => existsSync(path));
  // What a killed process leaves: Node removes the name of a socket that it closes.
  renameSync(path, `${path}.kept`);
  await new Promise((resolve) => left.close(resolve));
  renameSync(`${path}.kept`, path);

  const server = await openPublic({ path }, undefined, quiet, () => {});

  await server.closed();
});

test('a file in the place of a socket stays, and so does the socket of another program', async () => {
  const file = `${dir.path}/notes.txt`;
  writeFileSync(file, 'mine');
  const path = `${dir.path}/live.sock`;
  await using other = await rawServer((socket) => socket.end(), { kind: 'unix', path });

  for (const at of [file, path]) {
    await expect(openHttp({ path: at }, undefined, quiet, () => {})).rejects.toMatchObject({ code: 'EADDRINUSE' });
  }

  expect(readFileSync(file, 'utf8')).toBe('mine');
  expect(existsSync(path)).toBe(true);
  expect(other.accepted()).toBe(1);
});
