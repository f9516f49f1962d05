import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { expect, test } from 'vitest';
import { NO_SERVERS, testCli } from '../testing/cli.ts';
import { VERSION } from '../version.ts';

const SOON = { timeout: 30_000, interval: 100 };

test('atrium proxy status says how the proxy is, and the access log has what it did', {
  timeout: 90_000,
}, async () => {
  await using cli = testCli(NO_SERVERS.replace('port: 0,', "port: 0, tls: 'self-signed', accessLog: true,"));
  const none = await cli.run(['proxy', 'status']);
  expect([none.code, none.out]).toEqual([1, expect.stringContaining('does not run')]);

  const up = await cli.up();
  const log = `${cli.places.logDir}/access.log`;
  const [reply] = (await once(
    get(`${up.url}hub/api?token=abc`, { rejectUnauthorized: false, agent: false }),
    'response',
  )) as [IncomingMessage];
  reply.resume();
  await expect.poll(async () => (await cli.run(['proxy', 'status'])).code, SOON).toBe(0);
  const { out } = await cli.run(['proxy', 'status']);

  const status = await cli.json<{ well: boolean; proxies: object[] }>('proxy', 'status');
  expect(status).toMatchObject({ running: true, well: true, following: status.proxies.length });
  expect(status.proxies[0]).toMatchObject({
    ...{ version: VERSION, pid: expect.any(Number), behind: 0, accessLinesLost: 0, tls: { certificates: [{}] } },
  });
  expect(out).toMatch(new RegExp(`^Proxy \\S+ ${VERSION.replaceAll('.', '\\.')} \\(process \\d+\\), up for \\d+ s\n`));
  expect(out).toMatch(/ {2}Routes: 0, version \d+, as new as the hub’s\n {2}Open: \d+ connections and 0 websockets\n/);
  expect(out).toMatch(/ {2}Certificate: .*self-signed.*days left/);
  expect(statSync(log).mode & 0o777).toBe(0o600);
  await expect.poll(() => readFileSync(log, 'utf8'), SOON).toMatch(/\n$/);
  expect(JSON.parse(readFileSync(log, 'utf8'))).toMatchObject({
    requestId: reply.headers['x-request-id'],
    ...{ path: '/hub/api?token=*', status: 200, class: 'hub', peer: '127.0.0.1' },
  });
});
