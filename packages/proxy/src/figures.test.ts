import { expect, test } from 'vitest';
import { httpServer, route, SOON_MS, startRig } from './test-kit.ts';

test('the proxy tells what it counts, again and again, and goes on when no hub hears it', async () => {
  await using server = await httpServer((_request, reply) => void reply.end('hello'));
  await using rig = await startRig({ routes: [route('/user/ada', server)], figuresEveryMs: 20 });
  await rig.exchange('GET /user/ada/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await rig.exchange('GET /a/../b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: x\r\n\r\n');
  const newest = () => rig.hub.figures.at(-1);

  await expect
    .poll(newest, { timeout: SOON_MS })
    .toMatchObject({ requests: 1, refused: 1, problems: { 400: 1 }, upgraded: 0, routes: 1, routeVersion: 1 });

  await rig.hub.kill();
  await rig.hub.start();
  const before = rig.hub.figures.length;
  await expect.poll(() => rig.hub.figures.length, { timeout: SOON_MS }).toBeGreaterThan(before);
});
