import { expect, test } from 'vitest';
import { httpServer, openClient, startRig } from './test-kit.ts';

const HUB = 'hub.example.org';

test("a route of one host leads from that host only, whoever else's path it is", async () => {
  await using ada = await httpServer((request, reply) => void reply.end(`ada ${request.headers.host}`));
  await using bob = await httpServer((_, reply) => void reply.end('bob'));
  await using rig = await startRig({
    routes: [
      { path: `ada.${HUB}/user/ada`, target: ada.address, serverId: 'a' },
      { path: `bob.${HUB}/user/bob`, target: bob.address, serverId: 'b' },
    ],
  });
  const at = async (host: string, path: string) => {
    using client = await openClient(rig.proxy.address.port);
    client.socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    return (await client.ended()).split('\r\n\r\n')[1];
  };

  expect(await at(`ada.${HUB}`, '/user/ada/lab')).toBe(`ada ada.${HUB}`);
  expect(await at(`ADA.${HUB}:8443`, '/user/ada')).toBe(`ada ADA.${HUB}:8443`);
  expect(await at(`bob.${HUB}`, '/user/bob/')).toBe('bob');
  for (const host of [HUB, `bob.${HUB}`, `x.ada.${HUB}`, `ada.${HUB}.`, `ada.${HUB}.evil`, '127.0.0.1'])
    expect(await at(host, '/user/ada/lab')).toBe('hub /user/ada/lab');
  for (const path of ['/hub/home', '/user/bob/', '/user/adam', '/'])
    expect(await at(`ada.${HUB}`, path)).toBe(`hub ${path}`);

  rig.hub.send({ type: 'change', version: 2, set: [], delete: [`ada.${HUB}/user/ada`] });
  await expect.poll(() => at(`ada.${HUB}`, '/user/ada/lab'), { timeout: 20_000 }).toBe('hub /user/ada/lab');
});

test('a service that does not answer is called a service, not the server of whoever asked', async () => {
  await using grader = await httpServer(() => {});
  await using rig = await startRig({ routes: [{ path: '/services/grader', target: grader.address }] });
  await grader.kill();

  const page = await fetch(rig.url('/services/grader/'), { headers: { accept: 'text/html' } });
  const json = await fetch(rig.url('/services/grader/api/x'));

  expect([page.status, json.status]).toEqual([503, 503]);
  const text = await page.text();
  expect(text).toContain('<h1>This service does not answer</h1>');
  expect(text).not.toMatch(/your server\b/i);
  expect(await json.json()).toMatchObject({ code: 'service_unreachable' });
});
