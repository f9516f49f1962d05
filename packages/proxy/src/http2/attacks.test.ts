import { constants } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { afterAll, expect, test } from 'vitest';
import { httpServer, type Rig, route, SOON_MS, startRig, type TestServer, testDir, until } from '../test-kit.ts';
import { ask, FLAGS, FRAMES, frame, HEAD, headOf, NAME, plainField, testBrowsers } from './test-browser.ts';

const { DATA, HEADERS, PING, CONTINUATION } = FRAMES;
const { END_STREAM, END_HEADERS } = FLAGS;

const SOON = { timeout: SOON_MS };
const shared = await testDir();
afterAll(() => shared[Symbol.asyncDispose]());
const { tls, secure, raw, browser } = testBrowsers(shared.path);

async function attacked(limits: object = {}) {
  const urls: string[] = [];
  const names = new Set<string>();
  const server = await httpServer((request, reply) => {
    urls.push(`${request.headers.host}${request.url}`);
    for (const name in request.headers) names.add(name);
    reply.end('fine');
  });
  const rig = await startRig({ tls, routes: [route('/user/ada', server)], limits });
  const { port } = rig.proxy.address;
  return {
    rig,
    server,
    urls,
    /** Of all fields that a server got. */
    names,
    port,
    /** Others notice nothing. */
    async othersAreServed() {
      using other = await browser(port);
      expect((await ask(other, '/user/ada/')).body.toString()).toBe('fine');
      await expect.poll(() => rig.proxy.stats().connections, SOON).toBe(0);
    },
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  } satisfies { rig: Rig; server: TestServer } & Record<PropertyKey, unknown>;
}

const isOver = (socket: TLSSocket) => until('the connection is ended', () => socket.destroyed || socket.readableEnded);
test('who asks and gives up, again and again, is sent away', async () => {
  await using its = await attacked();
  using session = await browser(its.port);
  let asked = 0;
  const over = new Promise((resolve) => session.on('close', resolve));
  while (!session.destroyed && !session.closed && asked < 20_000) {
    const stream = session.request({ ':path': '/user/ada/', ':authority': NAME });
    stream.on('error', () => undefined);
    stream.close(constants.NGHTTP2_CANCEL);
    asked += 1;
    if (asked % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await over;

  expect(asked).toBeLessThan(20_000);
  expect(its.server.accepted()).toBeLessThan(600);
  await its.othersAreServed();
});

test('a head without an end ends the connection', async () => {
  await using its = await attacked();
  const socket = await raw(its.port);

  socket.write(frame(HEADERS, END_STREAM, 1, headOf(HEAD)));
  const more = frame(CONTINUATION, 0, 1, plainField('x-more', 'x'.repeat(100)));
  const flood = setInterval(() => socket.write(Buffer.concat(Array.from({ length: 50 }, () => more))), 1);
  await isOver(socket).finally(() => clearInterval(flood));

  expect(its.urls).toEqual([]);
  await its.othersAreServed();
});

test('a small head that would unpack to a large one is not unpacked', async () => {
  await using its = await attacked();
  const socket = await raw(its.port);
  // Into the table: a field of 4,000 bytes (RFC 7541 §6.2.1), and then that field 16,000 times: 64 MB.
  const value = Buffer.alloc(4_000 - 32, 'x');
  const large = Buffer.concat([
    Buffer.from('\x40\x01a\x7f\x80\x1e', 'latin1').subarray(0, 3),
    lengthOf(value.length),
    value,
  ]);
  const bomb = Buffer.concat([Buffer.from(headOf(HEAD), 'latin1'), large]);
  socket.write(frame(HEADERS, END_STREAM, 1, bomb));
  for (let at = 0; at < 8; at++)
    socket.write(frame(CONTINUATION, at === 7 ? END_HEADERS : 0, 1, Buffer.alloc(2_000, 0xbe)));
  const answers: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => answers.push(chunk));

  // Reset by a frame of its own, or the whole connection with it.
  await until('the stream is refused', () => socket.destroyed || hasFrame(Buffer.concat(answers), [3, 7]));
  expect(its.urls).toEqual([]);
  socket.destroy();
  await its.othersAreServed();
});

/** A length that does not fit into seven bits (RFC 7541 §5.1). */
function lengthOf(length: number): Buffer {
  const bytes = [0x7f];
  let rest = length - 0x7f;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

function hasFrame(bytes: Buffer, types: readonly number[]): boolean {
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (types.includes(bytes[at + 3]!)) return true;
  }
  return false;
}

test.each([
  ['a field of a connection', [...HEAD, 'connection', 'keep-alive']],
  ['a framing of HTTP/1.1', [...HEAD, 'transfer-encoding', 'chunked']],
  ['a line end in the path', HEAD.with(7, '/user/ada/ HTTP/1.1\r\nx-two: b')],
  ['a space in the path', HEAD.with(7, '/user/ada/ x')],
  ['a request behind the request', HEAD.with(7, '/user/ada/ HTTP/1.1\r\nhost: a\r\n\r\nGET /user/ada/2')],
  ['a line end in the method', HEAD.with(1, 'GET / HTTP/1.1\r\nx-two: b\r\n')],
  ['a line end in the authority', HEAD.with(5, `${NAME}\r\nx-two: b`)],
  ['another host than the authority', [...HEAD, 'host', 'evil.example.org']],
  ['a name in capitals', [...HEAD, 'X-Two', 'b']],
  ['no path', HEAD.slice(0, 6)],
  ['two paths', [...HEAD, ':path', '/user/ada/2']],
  ['a length of a body that is not there', [...HEAD, 'content-length', '5']],
  ['a signed length', [...HEAD, 'content-length', '+0']],
])('%s is refused, and no server hears of it', async (_what, fields) => {
  await using its = await attacked();
  const socket = await raw(its.port);
  const answers: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => answers.push(chunk));

  socket.write(frame(HEADERS, END_STREAM | END_HEADERS, 1, headOf(fields)));

  // Reset, or answered with a page that says what is wrong.
  await until('it is refused', () => socket.destroyed || hasFrame(Buffer.concat(answers), [3, 7, HEADERS]));
  expect(its.urls).toEqual([]);
  socket.destroy();
  await its.othersAreServed();
});

test.each([
  ['a line end in a value', 'x-two', 'a\r\nx-three: b'],
  ['a name with a colon', 'x-two: b\r\nx-three', 'c'],
])('%s is left out', async (_what, name, value) => {
  await using its = await attacked();
  const socket = await raw(its.port);

  socket.write(frame(HEADERS, END_STREAM | END_HEADERS, 1, headOf([...HEAD, name, value])));

  await until('it is answered', () => its.urls.length === 1);
  for (const smuggled of ['x-two', 'x-three']) expect(its.names).not.toContain(smuggled);
  socket.destroy();
});

test('a body longer than its length is refused', async () => {
  await using its = await attacked();
  const socket = await raw(its.port);
  const answers: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => answers.push(chunk));

  socket.write(frame(HEADERS, END_HEADERS, 1, headOf([...HEAD.with(1, 'POST'), 'content-length', '2'])));
  socket.write(frame(DATA, END_STREAM, 1, 'abGET /user/ada/2 HTTP/1.1\r\nhost: a\r\n\r\n'));

  await until('it is refused', () => socket.destroyed || hasFrame(Buffer.concat(answers), [3, 7, HEADERS]));
  expect(its.urls.filter((url) => url.endsWith('/2'))).toEqual([]);
  socket.destroy();
  await its.othersAreServed();
});

test('who says nothing, or nothing more, is sent away', async () => {
  await using its = await attacked({ headTimeoutMs: 200, idleTimeoutMs: 200 });
  const mute = await secure(its.port, ['h2']);
  mute.resume();
  await isOver(mute);
  const half = await raw(its.port);
  half.write(frame(HEADERS, END_STREAM, 1, headOf(HEAD)));
  await isOver(half);
  using session = await browser(its.port);
  const goaway = new Promise((resolve) => session.on('close', resolve));
  await ask(session, '/user/ada/').catch(() => undefined);
  await goaway;
});

test('a flood of pings is answered by the end of the connection, not by memory', async () => {
  await using its = await attacked();
  const socket = await raw(its.port);
  // Takes no answer.
  socket.pause();
  const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frame(PING, 0, 0, '12345678')));
  let told = 0;
  const flood = setInterval(() => {
    if (!socket.writableNeedDrain) told += socket.write(pings) ? 1 : 0;
  }, 1);
  // Either it is cut off, or nothing more of it is read.
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()).on('error', () => resolve()));
  const heldUp = new Promise<void>((resolve) => {
    let before = -1;
    const look = setInterval(() => {
      if (told !== before || told === 0) before = told;
      else {
        clearInterval(look);
        resolve();
      }
    }, 500);
    void closed.then(() => clearInterval(look));
  });
  await Promise.race([closed, heldUp]).finally(() => clearInterval(flood));

  await its.othersAreServed();
  socket.destroy();
});
