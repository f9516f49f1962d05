import { describe, expect, test } from 'vitest';
import { httpServer, rawServer, route, startRig, until } from './test-kit.ts';

const post = 'POST /user/ada HTTP/1.1\r\nHost: x\r\n';

/** Each could be read in two ways, by us and by what stands before or behind us. */
const REFUSED: Record<string, [status: number, bytes: string]> = {
  'both lengths': [400, `${post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  'both lengths, the other way round': [400, `${post}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`],
  'two lengths': [400, `${post}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`],
  'the same length twice': [400, `${post}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`],
  'a list of lengths': [400, `${post}Content-Length: 3, 3\r\n\r\nabc`],
  'a signed length': [400, `${post}Content-Length: +3\r\n\r\nabc`],
  'a hexadecimal length': [400, `${post}Content-Length: 0x3\r\n\r\nabc`],
  'an empty length': [400, `${post}Content-Length: \r\n\r\n`],
  'a length beyond all numbers': [400, `${post}Content-Length: 18446744073709551619\r\n\r\nabc`],
  'a coding before chunked': [400, `${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  'chunked twice': [400, `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  identity: [400, `${post}Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc`],
  'chunked in disguise': [400, `${post}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`],
  'chunked with a parameter': [400, `${post}Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n`],
  'chunked in HTTP/1.0': [400, 'POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  'a space before the colon': [400, `${post}Content-Length : 3\r\n\r\nabc`],
  'a tab before the colon': [400, `${post}Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n`],
  'a field name of nothing': [400, `${post}: x\r\n\r\n`],
  'a folded field': [400, `${post}X: a\r\n b\r\n\r\n`],
  'a line without a colon': [400, `${post}X\r\n\r\n`],
  'a first field that is indented': [400, 'GET / HTTP/1.1\r\n Host: x\r\nHost: x\r\n\r\n'],
  'bare line feeds': [400, 'GET / HTTP/1.1\nHost: x\n\n'],
  'a bare line feed between fields': [400, 'GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n'],
  'a bare carriage return in a value': [400, 'GET / HTTP/1.1\r\nHost: x\r\nX: a\rContent-Length: 3\r\n\r\n'],
  'a NUL in a value': [400, 'GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n'],
  'a control in a name': [400, 'GET / HTTP/1.1\r\nHost: x\r\nX\x01: b\r\n\r\n'],
  'no host': [400, 'GET / HTTP/1.1\r\n\r\n'],
  'two hosts': [400, 'GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n'],
  'a host that is a path': [400, 'GET / HTTP/1.1\r\nHost: x/y\r\n\r\n'],
  'a host with a user': [400, 'GET / HTTP/1.1\r\nHost: a@x\r\n\r\n'],
  'two spaces in the request line': [400, 'GET  / HTTP/1.1\r\nHost: x\r\n\r\n'],
  'a tab in the request line': [400, 'GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n'],
  'a space at the end of the request line': [400, 'GET / HTTP/1.1 \r\nHost: x\r\n\r\n'],
  'HTTP/0.9': [400, 'GET /\r\n\r\n'],
  'bytes beyond ASCII in the target': [400, 'GET /\xe4 HTTP/1.1\r\nHost: x\r\n\r\n'],
  'a fragment in the target': [400, 'GET /#/x HTTP/1.1\r\nHost: x\r\n\r\n'],
  'a target that is no path': [400, 'GET user/ada HTTP/1.1\r\nHost: x\r\n\r\n'],
  'a target of another scheme': [400, 'GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n'],
  'another version': [505, 'GET / HTTP/1.2\r\nHost: x\r\n\r\n'],
  'the preface of HTTP/2': [505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  'a tunnel': [405, 'CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n'],
  'a trace': [405, 'TRACE / HTTP/1.1\r\nHost: x\r\n\r\n'],
  'an expectation nobody knows': [417, `${post}Expect: more\r\nContent-Length: 3\r\n\r\nabc`],
  'Connection that takes the length away': [400, `${post}Connection: Content-Length\r\nContent-Length: 3\r\n\r\nabc`],
  'a websocket with a body': [
    400,
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc',
  ],
  'a head that does not end': [431, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(70_000)}`],
  'a chunk size that is no number': [400, `${post}Transfer-Encoding: chunked\r\n\r\nx\r\n`],
  'a negative chunk size': [400, `${post}Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n`],
  'a chunk size with a prefix': [400, `${post}Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n`],
  'a chunk size of nothing': [400, `${post}Transfer-Encoding: chunked\r\n\r\n\r\n0\r\n\r\n`],
  'a chunk size that overflows': [
    400,
    `${post}Transfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n`,
  ],
  'a space after the chunk size': [400, `${post}Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n`],
  'a bare line feed after the chunk size': [400, `${post}Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n`],
  'a bare line feed in a chunk extension': [400, `${post}Transfer-Encoding: chunked\r\n\r\n3;a\nb\r\nabc\r\n0\r\n\r\n`],
  'a chunk longer than it says': [400, `${post}Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n`],
  'a chunk that ends in a bare line feed': [400, `${post}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n`],
  'a trailer that frames the message': [400, `${post}Transfer-Encoding: chunked\r\n\r\n0\r\nX y: 3\r\n\r\n`],
  'a bare line feed in the trailer': [400, `${post}Transfer-Encoding: chunked\r\n\r\n0\r\nX: 3\n\r\n\r\n`],
};

describe('refused and cut off, together with what follows', async () => {
  for (const [name, [status, bytes]] of Object.entries(REFUSED)) {
    test(name, async () => {
      const complete: string[] = [];
      await using ada = await httpServer((request, reply) => {
        request.on('end', () => {
          complete.push(request.url!);
          reply.end('ok');
        });
        request.on('error', () => undefined).resume();
      });
      await using rig = await startRig({
        routes: [route('/user/ada', ada)],
        page: (request, reply) => {
          complete.push(request.url!);
          reply.end();
        },
      });

      const answer = await rig.exchange(`${bytes}GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n`);

      expect(answer.match(/HTTP\/1\.1 [^\r]*/g)).toHaveLength(1);
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*Connection: close\r\n[\\s\\S]*`));
      expect(complete).toEqual([]);
    });
  }
});

test('the same cases are refused when every byte comes alone', async () => {
  await using ada = await httpServer(
    (request, reply) =>
      void request
        .on('error', () => undefined)
        .on('end', () => reply.end())
        .resume(),
  );
  await using rig = await startRig({ routes: [route('/user/ada', ada)] });
  const short = Object.entries(REFUSED).filter(([, [, bytes]]) => bytes.length < 200);

  const answers = await Promise.all(
    short.map(async ([name, [status, bytes]]) => {
      using client = await rig.client();
      for (const byte of bytes) {
        client.socket.write(byte, 'latin1');
        await new Promise((resolve) => setImmediate(resolve));
      }
      client.socket.write('GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n');
      const text = await client.ended();
      return text.startsWith(`HTTP/1.1 ${status} `) && text.match(/HTTP\/1\.1 /g)!.length === 1
        ? ''
        : `${name}: ${text}`;
    }),
  );

  expect(answers.filter((problem) => problem !== '')).toEqual([]);
});

test('paths that two readers would take to different servers are refused', async () => {
  await using ada = await httpServer((request, reply) => void reply.end(`ada ${request.url}`));
  await using bob = await httpServer((request, reply) => void reply.end(`bob ${request.url}`));
  await using rig = await startRig({
    routes: [route('/user/ada', ada), route('/user/ada/b', ada), route('/user/bob', bob)],
  });

  const ask = async (path: string): Promise<string> => {
    const answer = await rig.exchange(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    return answer.startsWith('HTTP/1.1 400')
      ? 'refused'
      : answer.slice(answer.lastIndexOf('\n') + 1, undefined) || answer;
  };
  const refused = [
    '/user/ada/../bob',
    '/user/ada/..%2f../user/bob',
    '/user/ada/%2e%2e/bob',
    '/user/ada/.%2E/bob',
    '/user/ada/..%5cbob',
    '/user/ada/%2e',
    '/user/ada/./x',
    '/user/ada/x%2f..%2f..',
    '/user/ada\\..\\bob',
    '/user%2fbob',
    '/user/ada%2fb/x',
    '/user/bob%2fx',
    '/user/ada%00',
    '/user/ada/%ff..%2f../user/bob',
    '/user/ada/%ff%2f..%2fbob',
    '/..',
    '/user/ada/..?x',
  ];
  for (const path of refused) expect.soft(await ask(path), path).toBe('refused');
  // Behind the prefix an encoded slash is the server's own business; so is what only looks like a dot segment.
  expect(await ask('/user/ada/x%2fy')).toContain('ada /user/ada/x%2fy');
  expect(await ask('/user/ada/.hidden/...%20/a..b?../../x')).toContain('ada /user/ada/.hidden/...%20/a..b?../../x');
  expect(await ask('/user/ada/100%/%zz')).toContain('ada /user/ada/100%/%zz');
  expect(await ask('//user/ada')).toContain('hub //user/ada');
  expect(await ask('/user//ada')).toContain('hub /user//ada');
});

/** What a hostile or broken server may answer; a client must neither be confused by it nor get another's answer. */
const BAD_ANSWERS: Record<string, string> = {
  'both lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok',
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
  'a coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok',
  'no status': 'HTTP/1.1 OK\r\n\r\n',
  'another protocol': 'SSH-2.0-OpenSSH_9.2\r\n\r\n',
  'a bare line feed': 'HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n',
  'a 101 nobody asked for': 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  'a head that does not end': `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}`,
  'interim answers without end': 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(50),
};

test('an answer that cannot be read becomes a 502', async () => {
  let answer = '';
  await using server = await rawServer((socket) => void socket.on('data', () => socket.write(answer)));
  await using rig = await startRig({ routes: [route('/user/ada', server)] });

  for (const [name, bytes] of Object.entries(BAD_ANSWERS)) {
    answer = bytes;
    const got = await rig.exchange('GET /user/ada HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect.soft(got.replace(/HTTP\/1\.1 102 Processing\r\n\r\n/g, ''), name).toMatch(/^HTTP\/1\.1 502 /);
  }
});

test('what a server sends beyond its answer is never the answer to the next request', async () => {
  await using server = await rawServer((socket) => {
    socket.on('data', () =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'),
    );
  });
  await using late = await rawServer((socket) => {
    socket.on('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'), 5);
    });
  });
  await using rig = await startRig({ routes: [route('/a', server), route('/b', late)] });

  for (const path of ['/a', '/a', '/b']) expect(await (await fetch(rig.url(path))).text()).toBe('ok');
  await until('the late server is cut off', () => late.sockets.size === 0);
  expect(await (await fetch(rig.url('/b'))).text()).toBe('ok');
  expect(server.accepted()).toBe(2);
  expect(late.accepted()).toBe(2);
});

test('an answer cut short is cut short for the client too, never completed', async () => {
  await using server = await rawServer((socket) => {
    socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'));
  });
  await using rig = await startRig({ routes: [route('/user/ada', server)] });

  const answer = await rig.exchange('GET /user/ada HTTP/1.1\r\nHost: x\r\n\r\n');

  expect(answer).toContain('3\r\nabc\r\n');
  expect(answer).not.toContain('0\r\n\r\n');
  await expect(fetch(rig.url('/user/ada')).then((reply) => reply.text())).rejects.toThrow();
});
