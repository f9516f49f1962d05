import { expect, test } from 'vitest';
import { httpServer, rawServer, route, startRig, until } from './test-kit.ts';

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
