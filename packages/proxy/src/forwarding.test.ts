import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { expect, test } from 'vitest';
import { httpServer, openClient, rawServer, route, startRig, testDir, until, untilStill } from './test-kit.ts';

test('a request goes to the longest prefix on whole segments, the rest to the hub, its path unchanged', async () => {
  await using ada = await httpServer((request, reply) => void reply.end(`ada ${request.url}`));
  await using named = await httpServer((request, reply) => void reply.end(`named ${request.url}`));
  await using rig = await startRig({
    routes: [route('/user/ada', ada), route('/user/ada/gpu', named), route('/user/ünï', named)],
  });

  const get = async (path: string) => (await fetch(rig.url(path))).text();

  expect(await get('/user/ada')).toBe('ada /user/ada');
  expect(await get('/user/ada/lab?x=%20y')).toBe('ada /user/ada/lab?x=%20y');
  expect(await get('/user/%61da/lab')).toBe('ada /user/%61da/lab');
  expect(await get('/user/ada/gpu/lab')).toBe('named /user/ada/gpu/lab');
  expect(await get('/user/ada/gpus')).toBe('ada /user/ada/gpus');
  expect(await get('/user/%C3%BCn%C3%AF/x')).toBe('named /user/%C3%BCn%C3%AF/x');
  expect(await get('/user/adam')).toBe('hub /user/adam');
  expect(await get('/')).toBe('hub /');
  expect(await get('/_chp_healthz')).toBe('{"status":"OK"}');
});

test('connections are kept on both sides and used again', async () => {
  await using ada = await httpServer((_, reply) => void reply.end('ok'));
  await using rig = await startRig({ routes: [route('/user/ada', ada)] });
  using client = await rig.client();

  for (let count = 1; count <= 5; count++) {
    client.socket.write('GET /user/ada HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('the answer is there', () => client.received().split('HTTP/1.1 200').length === count + 1);
  }

  expect(ada.accepted()).toBe(1);
});

test('pipelined requests are answered in order, whoever answers first', async () => {
  await using slow = await httpServer((_, reply) => void setTimeout(() => reply.end('first'), 50));
  await using fast = await httpServer((_, reply) => void reply.end('second'));
  await using rig = await startRig({ routes: [route('/slow', slow), route('/fast', fast)] });

  const answer = await rig.exchange(
    'POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbodyGET /fast HTTP/1.1\r\nHost: x\r\n\r\n' +
      'GET /%2e%2e/ HTTP/1.1\r\nHost: x\r\n\r\nGET /_chp_healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  );

  expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1])).toEqual(['200', '200', '400', '200']);
  expect(answer.indexOf('first')).toBeLessThan(answer.indexOf('second'));
});

test('a large body goes through in both directions, and a reader that waits makes the writer wait', async () => {
  const size = 64 * 1024 * 1024;
  let taken = 0;
  let go: () => void = () => {};
  const gate = new Promise<void>((resolve) => (go = resolve));
  await using echo = await httpServer(async (incoming, reply) => {
    await gate;
    incoming.on('data', (chunk) => (taken += chunk.length));
    incoming.pipe(reply);
  });
  await using rig = await startRig({ routes: [route('/user/ada', echo)] });
  const block = randomBytes(1024 * 1024);
  const sent = createHash('sha256');
  const received = createHash('sha256');
  let written = 0;

  const call = request(rig.url('/user/ada/files'), { method: 'POST', headers: { 'transfer-encoding': 'chunked' } });
  const answered = new Promise<void>((resolve) => {
    call.on('response', (reply) => reply.on('data', (chunk) => received.update(chunk)).on('end', resolve));
  });
  const writing = (async () => {
    for (let at = 0; at < size; at += block.length) {
      sent.update(block);
      written += block.length;
      if (!call.write(block)) await new Promise((resolve) => call.once('drain', resolve));
    }
    call.end();
  })();
  const heldAt = await untilStill('the writer is held up', () => written);
  go();
  await Promise.all([writing, answered]);

  expect(heldAt).toBeLessThan(size / 2);
  expect(taken).toBe(size);
  expect(received.digest('hex')).toBe(sent.digest('hex'));
});

test('chunks pass as they are, trailers without those that must not come late', async () => {
  let seen = '';
  await using raw = await rawServer((socket) => {
    socket.on('data', (chunk) => {
      seen += chunk;
      if (seen.includes('Check: 1')) {
        socket.write(
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Sum\r\n\r\n3\r\nabc\r\n0\r\nSum: 6\r\nSet-Cookie: a=b\r\n\r\n',
        );
      }
    });
  });
  await using rig = await startRig({ routes: [route('/user/ada', raw)] });

  const answer = await rig.exchange(
    'POST /user/ada HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n' +
      '5;name=value\r\nhello\r\n0\r\nCheck: 1\r\nAuthorization: late\r\n\r\n',
  );

  expect(seen).toContain('5;name=value\r\nhello\r\n0\r\nCheck: 1\r\n\r\n');
  expect(seen).not.toContain('late');
  expect(answer).toMatch(/\r\n\r\n3\r\nabc\r\n0\r\nSum: 6\r\n\r\n$/);
});

test('fields of one hop stay on their hop, and nobody can say for the proxy who the client is', async () => {
  let seen = '';
  await using raw = await rawServer((socket) => {
    socket.on('data', (chunk) => {
      seen += chunk;
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=9\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nX-Stay: 1\r\nService-Worker-Allowed: /\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\nok',
      );
    });
  });
  await using rig = await startRig({ routes: [route('/user/ada', raw)] });

  const answer = await rig.exchange(
    'GET /user/ada HTTP/1.1\r\nhOsT: hub.example.org:8000\r\nCookie: a=b\r\nX-Forwarded-For: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Scheme: https\r\n' +
      'X-Forwarded-Proto: https\r\nx-forwarded-prefix: /x\r\nX-Request-Id: mine\r\nTE: trailers\r\nKeep-Alive: 1\r\nProxy-Authorization: Basic x\r\nX-Named: 1\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nConnection: close, X-Named, HTTP2-Settings\r\n\r\n',
  );

  const lines = seen.split('\r\n');
  const port = new URL(rig.url('/')).port;
  expect(port).not.toBe('8000');
  expect(lines.slice(0, 7)).toEqual([
    'GET /user/ada HTTP/1.1',
    'Host: hub.example.org:8000',
    'Cookie: a=b',
    'X-Forwarded-For: 127.0.0.1',
    'X-Forwarded-Proto: http',
    'X-Forwarded-Host: hub.example.org:8000',
    'X-Forwarded-Port: 8000',
  ]);
  expect(lines[7]).toMatch(/^X-Request-Id: [\w-]{8,}-\w+$/);
  expect(lines.slice(8)).toEqual(['', '']);
  expect(answer).toBe(
    'HTTP/1.1 200 OK\r\nX-Stay: 1\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok',
  );
});

test('a person’s server sets its own cookies, not the hub’s, and no rules for the whole origin', async () => {
  const fields = [
    'Set-Cookie: jupyterhub-user-ada=own; Path=/user/ada/',
    'Set-Cookie: _xsrf=own; Path=/user/ada/',
    'Set-Cookie: jupyterhub-hub-login=mine; Path=/hub/',
    'set-cookie:  jupyterhub-session-id = mine; Path=/',
    'Set-Cookie: =jupyterhub-hub-login=nameless; Path=/hub/',
    'Set-Cookie: __Host-jupyterhub-hub-login=mine; Path=/; Secure',
    'NEL: {"report_to":"me"}',
    'Report-To: {"group":"me"}',
    'Clear-Site-Data: "cookies"',
    'Cross-Origin-Opener-Policy: same-origin',
    'Content-Length: 0',
  ];
  const head = `HTTP/1.1 200 OK\r\n${fields.join('\r\n')}\r\n\r\n`;
  await using raw = await rawServer((socket) => void socket.on('data', () => socket.write(head)));
  await using rig = await startRig({ routes: [route('/user/ada', raw)] });

  const answer = await rig.exchange('GET /user/ada HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');

  expect(answer.split('\r\n').slice(1, -2)).toEqual([...fields.slice(0, 2), 'Content-Length: 0', 'Connection: close']);
});

test('a trusted front server is believed, and added to the chain', async () => {
  await using rig = await startRig({
    trustedProxies: ['127.0.0.0/8'],
    page: (request, reply) => void reply.end(JSON.stringify(request.headers)),
  });

  const reply = await fetch(rig.url('/hub/'), {
    headers: { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'hub.example.org' },
  });

  expect(await reply.json()).toMatchObject({
    'x-forwarded-for': '203.0.113.9, 127.0.0.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'hub.example.org',
    'x-forwarded-port': '443',
  });
  await expect(startRig({ trustedProxies: ['10.0.0.0/99'] })).rejects.toThrow("'10.0.0.0/99' is neither");
});

test('each event of a stream goes out at once, and a client that leaves ends the request behind it', async () => {
  let gone = false;
  let tell: (text: string) => void = () => {};
  await using sse = await httpServer((_, reply) => {
    reply.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    tell = (text) => void reply.write(text);
    reply.on('close', () => (gone = true));
  });
  await using rig = await startRig({ routes: [route('/user/ada', sse)] });
  using client = await rig.client();
  client.socket.write('GET /user/ada/events HTTP/1.1\r\nHost: x\r\n\r\n');

  await client.sees('text/event-stream');
  tell('data: 1\n\n');
  await client.sees('data: 1');
  tell('data: 2\n\n');
  await client.sees('data: 2');
  client.socket.end();

  await until('the server hears of it', () => gone);
});

test('100-continue is asked for and passed on; an answer that needs no body ends the connection', async () => {
  await using server = await httpServer((incoming, reply) => {
    if (incoming.url === '/user/ada/no') return void reply.writeHead(413).end('no');
    incoming.on('end', () => reply.end('thanks')).resume();
  });
  await using rig = await startRig({ routes: [route('/user/ada', server)] });
  using client = await rig.client();

  client.socket.write('PUT /user/ada HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
  await client.sees('HTTP/1.1 100 Continue\r\n\r\n');
  client.socket.write('abc');
  await client.sees('thanks');

  expect(await rig.exchange('PUT /user/ada/no HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 413[\s\S]*\r\nno\r\n/,
  );
});

test('answers without a body have none, whatever their fields say', async () => {
  await using server = await rawServer((socket) => {
    socket.on('data', (chunk) => {
      const status = /status=(\d+)/.exec(String(chunk))![1];
      socket.write(`HTTP/1.1 ${status} X\r\nContent-Length: 5\r\nETag: "e"\r\n\r\n`);
    });
  });
  await using rig = await startRig({ routes: [route('/user/ada', server)] });
  using client = await rig.client();

  client.socket.write(
    'HEAD /user/ada?status=200 HTTP/1.1\r\nHost: x\r\n\r\nGET /user/ada?status=304 HTTP/1.1\r\nHost: x\r\n\r\n',
  );
  await client.sees('304 X');
  client.socket.write('GET /user/ada?status=204 HTTP/1.1\r\nHost: x\r\n\r\n');
  await client.sees('204 X\r\nETag: "e"\r\n\r\n');

  expect(client.received().match(/Content-Length: 5/g)).toHaveLength(2);
  expect(server.accepted()).toBe(1);
});

test('a client of HTTP/1.0 gets its answer without chunks, up to the end of the connection', async () => {
  await using server = await httpServer((request, reply) => {
    if (request.url === '/user/ada/length') return void reply.end('known');
    reply.write('one ');
    reply.end('two');
  });
  await using rig = await startRig({ routes: [route('/user/ada', server)] });

  const chunked = await rig.exchange('GET /user/ada HTTP/1.0\r\n\r\n');
  using client = await openClient(rig.proxy.address.port);
  client.socket.write('GET /user/ada/length HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  await client.sees('known');
  client.socket.write('GET /user/ada/length HTTP/1.0\r\n\r\n');

  expect(chunked).toMatch(/Connection: close\r\n\r\none two$/);
  expect(chunked).not.toContain('Transfer-Encoding');
  expect((await client.ended()).match(/known/g)).toHaveLength(2);
});

test('an absolute request target counts more than Host', async () => {
  await using rig = await startRig({
    page: (request, reply) => void reply.end(`${request.headers.host} ${request.url}`),
  });

  const answer = await rig.exchange(
    'GET http://one.example:81/hub/?q HTTP/1.1\r\nHost: two.example\r\nConnection: close\r\n\r\n',
  );

  expect(answer).toMatch(/one\.example:81 \/hub\/\?q$/);
});

test('500 clients at once are all answered, over a Unix socket too', async () => {
  await using dir = await testDir();
  await using ada = await httpServer((_, reply) => void setTimeout(() => reply.end('ok'), 20), {
    kind: 'unix',
    path: `${dir.path}/s`,
  });
  await using rig = await startRig({ routes: [route('/user/ada', ada)] });

  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, index) => {
      const path = index % 2 === 0 ? '/user/ada/x' : '/hub/x';
      return rig.exchange(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    }),
  );

  expect(answers.filter((answer) => answer.startsWith('HTTP/1.1 200 OK'))).toHaveLength(500);
  await until('nothing is left open', () => rig.proxy.stats().connections === 0);
});
