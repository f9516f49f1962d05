import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { openClient, quiet, rawServer, route, startRig, testDir, until } from '../test-kit.ts';
import { network } from './peers.ts';

const PING = 'GET /_chp_healthz HTTP/1.1\r\nHost: x\r\n\r\n';
const SOCKET = 'GET /user/ada/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** True when the other side answers, false when it cuts off. */
async function isLetIn(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1', () => socket.write(PING));
  try {
    return await new Promise<boolean>((resolve) => {
      socket
        .on('data', () => resolve(true))
        .on('error', () => resolve(false))
        .on('end', () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}

test('an address has so many connections and no more, websockets among them, until one closes', async () => {
  const said: object[] = [];
  await using rig = await startRig({
    limits: { connectionsPerAddress: 3 },
    log: { ...quiet, warn: (facts) => void said.push(facts) },
  });
  const { port } = rig.proxy.address;
  using first = await openClient(port);
  using second = await openClient(port);
  using third = await openClient(port);
  for (const client of [first, second, third]) {
    client.socket.write(PING);
    await client.sees('200 OK');
  }

  expect(await isLetIn(port)).toBe(false);
  expect(await isLetIn(port)).toBe(false);
  expect(said).toEqual([{ peer: '127.0.0.1', most: 3, refused: 1 }]);
  expect(rig.proxy.stats()).toMatchObject({ tooMany: 2, connections: 3 });
  first.socket.destroy();
  await until('it has left', () => rig.proxy.stats().connections === 2);
  expect(await isLetIn(port)).toBe(true);
});

test('a websocket counts until it ends, and then no longer', async () => {
  await using ada = await rawServer((socket) => void socket.once('data', () => socket.write(SWITCH)));
  await using rig = await startRig({ routes: [route('/user/ada', ada)], limits: { connectionsPerAddress: 1 } });
  const { port } = rig.proxy.address;
  using client = await openClient(port);
  client.socket.write(SOCKET);
  await client.sees('101');

  expect(await isLetIn(port)).toBe(false);
  client.socket.destroy();
  await until('both ends are closed', () => rig.proxy.stats().upgraded === 0);
  expect(await isLetIn(port)).toBe(true);
});

test('everybody may come through a front server that is trusted; and nobody is limited by 0', async () => {
  await using trusting = await startRig({ limits: { connectionsPerAddress: 1 }, trustedProxies: ['127.0.0.0/8'] });
  await using open = await startRig({ limits: { connectionsPerAddress: 0 } });
  for (const { proxy } of [trusting, open]) {
    using one = await openClient(proxy.address.port);
    one.socket.write(PING);
    await one.sees('200 OK');
    expect(await isLetIn(proxy.address.port)).toBe(true);
    expect(proxy.stats().tooMany).toBe(0);
  }
});

test('with TLS a connection counts from its first moment, before there is a handshake', async () => {
  await using dir = await testDir();
  const selfSigned = { dir: `${dir.path}/tls`, names: ['127.0.0.1'], moreNames: [] };
  await using rig = await startRig({ limits: { connectionsPerAddress: 1 }, tls: { selfSigned } });
  const { port } = rig.proxy.address;
  using silent = await openClient(port);

  const refused = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await expect(once(refused, 'secureConnect')).rejects.toMatchObject({ code: 'ECONNRESET' });
  silent.socket.destroy();
  const handshake = () => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    return once(socket, 'secureConnect').then(
      () => !!socket.destroy(),
      () => false,
    );
  };
  await until('the place is free', handshake);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
])('%s counts as %s', (peer, counted) => {
  expect(network(peer)).toBe(counted);
});
