import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:tls';
import { type Log, systemClock } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { planOf } from '../cli/command-line.ts';
import { quiet, testDir, until } from '../test-kit.ts';
import { testAuthority } from '../tls/test-certificates.ts';
import { followFiles } from './tls-files.ts';

test('new files are served to who comes, whoever is there stays, and what is wrong with them is told once', async () => {
  await using dir = await testDir();
  const authority = testAuthority(dir.path);
  const [first, second] = [authority.issue('first', ['first.test']), authority.issue('second', ['second.test'])];
  const live = { cert: authority.path('live.pem'), key: authority.path('live.key') };
  const put = (from: typeof first) => {
    copyFileSync(from.key, live.key);
    copyFileSync(from.cert, live.cert);
  };
  put(first);
  const plan = planOf(['--ssl-key', live.key, '--ssl-cert', live.cert], { HOME: dir.path });
  if (plan.kind !== 'run') throw new Error('it does not run');
  const tls = plan.options.tls!;
  const server = createServer({ ...tls.options }, (socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const open = async () => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return socket;
  };
  const commonName = async () => {
    const socket = await open();
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return CN;
  };
  const said: string[] = [];
  const log: Log = { ...quiet, error: (_facts, text) => void said.push(text) };
  const over = new AbortController();
  const following = followFiles(tls, server, { clock: systemClock, log }, over.signal, 20);
  const stays = await open();

  put(second);
  await until('the new one is served', async () => (await commonName()) === 'second.test');
  stays.write('still here');
  expect(String(await new Promise((resolve) => stays.once('data', resolve)))).toBe('still here');
  expect(stays.getPeerCertificate().subject.CN).toBe('first.test');

  // Somebody else's key, and half a file.
  copyFileSync(first.key, live.key);
  await until('it is told', () => said.length === 1);
  writeFileSync(live.cert, readFileSync(second.cert, 'utf8').slice(0, 300));
  await until('that, too', () => said.length === 2);
  expect(await commonName()).toBe('second.test');
  put(first);
  await until('the good one is served', async () => (await commonName()) === 'first.test');
  expect(said).toHaveLength(2);

  stays.destroy();
  over.abort();
  await following;
  server.close();
});

test('files that change between the reading and the first look are served, too', async () => {
  await using dir = await testDir();
  const authority = testAuthority(dir.path);
  const [first, second] = [authority.issue('first', ['first.test']), authority.issue('second', ['second.test'])];
  const plan = planOf(['--ssl-key', first.key, '--ssl-cert', first.cert], { HOME: dir.path });
  if (plan.kind !== 'run') throw new Error('it does not run');
  // The command has read them, and opens ports before it looks again.
  copyFileSync(second.key, first.key);
  copyFileSync(second.cert, first.cert);
  const over = new AbortController();
  const certificates: unknown[] = [];
  const server = { setSecureContext: (details: { cert?: unknown }) => void certificates.push(String(details.cert)) };

  const following = followFiles(plan.options.tls!, server, { clock: systemClock, log: quiet }, over.signal, 20);
  await until('it is served', () => certificates.length > 0);

  expect(certificates).toEqual([readFileSync(second.cert, 'utf8')]);
  over.abort();
  await following;
});
