import { randomBytes } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { systemClock } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { quiet, rawServer, testDir } from '../test-kit.ts';
import { openTlsFront } from './front.ts';
import { testAuthority } from './test-certificates.ts';

test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s: with the same keys one resumes what another began', async (version) => {
  await using dir = await testDir();
  const authority = testAuthority(dir.path);
  const [first, second] = [authority.issue('first', ['hub.test']), authority.issue('second', ['hub.test'])];
  const live = { cert: authority.path('live.pem'), key: authority.path('live.key') };
  copyFileSync(first.key, live.key);
  copyFileSync(first.cert, live.cert);
  const open = async () => {
    const front = await openTlsFront({
      ...{ certificates: [live], clock: systemClock, log: quiet },
      onSecure: ({ socket }) => socket.on('error', () => {}).on('data', (chunk) => socket.write(chunk)),
    });
    const server = await rawServer((socket) => front.accept(socket));
    return {
      front,
      port: (server.address as { port: number }).port,
      async [Symbol.asyncDispose]() {
        await front.close();
        await server[Symbol.asyncDispose]();
      },
    };
  };
  await using one = await open();
  await using other = await open();
  const ca = readFileSync(authority.root);
  /** Whether the session was resumed, and the ticket for the next time. */
  const visit = (port: number, session?: Buffer) =>
    new Promise<{ reused: boolean; ticket: Buffer }>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, ca, servername: 'hub.test', minVersion: version, maxVersion: version };
      const socket = connect({ ...options, ...(session && { session }) }, () => socket.write('x'));
      let ticket = session ?? Buffer.alloc(0);
      socket.on('session', (given) => {
        ticket = given;
      });
      // What comes back comes after the ticket.
      socket.once('data', () => {
        resolve({ reused: socket.isSessionReused(), ticket });
        socket.destroy();
      });
      socket.on('error', reject);
    });

  const alone = await visit(one.port);
  expect((await visit(one.port, alone.ticket)).reused).toBe(true);
  expect((await visit(other.port, alone.ticket)).reused).toBe(false);

  const keys = randomBytes(48);
  for (const { front } of [one, other]) front.setTicketKeys(keys);
  const { ticket } = await visit(one.port);
  expect((await visit(other.port, ticket)).reused).toBe(true);
  // Another certificate changes nothing about that.
  copyFileSync(second.key, live.key);
  copyFileSync(second.cert, live.cert);
  const served = other.front.stats().certificates[0]!.fingerprint;
  await other.front.look();
  expect(other.front.stats().certificates[0]!.fingerprint).not.toBe(served);
  expect((await visit(other.port, ticket)).reused).toBe(true);
  // Other keys end what was begun with those of before.
  other.front.setTicketKeys(randomBytes(48));
  expect((await visit(other.port, ticket)).reused).toBe(false);
});
