import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedPassword } from '@atrium/auth-shared-password';
import { requestIdOfLine } from '@atrium/hub';
import { startTestHub } from '@atrium/hub/testing';
import { startProxy } from '@atrium/proxy';
import { Secret } from '@atrium/sdk';
import { echoSpawner } from '@atrium/spawner-echo';
import pino from 'pino';
import { expect, test } from 'vitest';
import { openLog } from '../process/log.ts';

const WAIT = 10_000;

type Line = { requestId?: string; msg: string };

function linesOf(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

test('one id leads from the proxy through the hub to the lines of the controller', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'atr-id-'));
  using _ = { [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
  using hubLog = openLog(join(dir, 'hub.log'), 'hub', 'fatal', requestIdOfLine);
  await using hub = await startTestHub({
    spawner: echoSpawner({ startMs: 200 }),
    authenticator: sharedPassword({ password: new Secret('x') }),
    config: { access: { allowAll: true } },
    log: hubLog.log,
  });
  const passed: string[] = [];
  await using proxy = await startProxy({
    host: '127.0.0.1',
    port: 0,
    hub: { kind: 'tcp', host: '127.0.0.1', port: Number(new URL(hub.origin).port) },
    control: await hub.hub.listenControl({ path: join(dir, 'control.sock') }),
    tableFile: join(dir, 'routes.json'),
    log: pino({ level: 'debug' }, { write: (line) => void passed.push(line) }),
  });
  const ada = await hub.api({ name: 'ada' });
  const { token } = (await ada('POST', '/users/ada/tokens', {})).body as { token: string };
  const ask = async (method: string, path: string) => {
    const headers = { authorization: `token ${token}`, 'x-request-id': 'of-somebody-else' };
    const reply = await fetch(`http://127.0.0.1:${proxy.address.port}/hub/api${path}`, { method, headers });
    await reply.text();
    return reply.headers.get('x-request-id') ?? '';
  };

  const [start, other] = await Promise.all([ask('POST', '/users/ada/server'), ask('POST', '/users/ada/activity')]);
  const idsOf = (msg: string) => {
    const lines = linesOf(readFileSync(join(dir, 'hub.log'), 'utf8'));
    return lines.filter((line) => line.msg === msg).map(({ requestId }) => requestId);
  };
  await expect.poll(() => idsOf('server ready'), { timeout: WAIT }).toEqual([start]);
  const stop = await ask('DELETE', '/users/ada/server');
  await expect.poll(() => idsOf('server stopped'), { timeout: WAIT }).toEqual([stop]);

  expect(new Set([start, other, stop, 'of-somebody-else']).size).toBe(4);
  expect(idsOf('start requested')).toEqual([start]);
  expect(idsOf('server admitted')).toEqual([start]);
  await expect
    .poll(() => idsOf('request answered'), { timeout: WAIT })
    .toEqual(expect.arrayContaining([start, other, stop]));
  const proxyLines = linesOf(passed.join('')).filter(({ msg }) => msg === 'request passed on');
  expect(proxyLines.map(({ requestId }) => requestId)).toEqual(expect.arrayContaining([start, other, stop]));
  for (const text of [passed.join(''), readFileSync(join(dir, 'hub.log'), 'utf8')]) expect(text).not.toContain(token);
});
