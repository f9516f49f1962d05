import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { systemClock } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { quiet, rawServer, testDir } from '../test-kit.ts';
import { openChallenges } from './challenges.ts';
import { keep, startingFile } from './fetched.ts';
import { openTlsFront } from './front.ts';
import { CertificateError } from './pair.ts';
import { testAuthority } from './test-certificates.ts';

/** The common name of what is served to who asks like this; the protocol that was agreed on. */
function served(port: number, options: { servername: string; ALPNProtocols?: string[] }) {
  return new Promise<{ name: string; protocol: string | false | null }>((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options }, () => {
      resolve({ name: String(socket.getPeerCertificate().subject.CN), protocol: socket.alpnProtocol });
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** The first bytes of somebody who asks. */
async function helloOf(options: { servername: string; ALPNProtocols: string[] }): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  await using server = await rawServer((socket) => socket.once('data', (chunk) => resolve(chunk as Buffer)));
  const { port } = server.address as { port: number };
  // The certificate of TLS 1.2 can be read by whoever listens.
  const socket = connectTls({ host: '127.0.0.1', port, maxVersion: 'TLSv1.2', ...options });
  socket.on('error', () => {});
  const hello = await promise;
  socket.destroy();
  return hello;
}

/** What comes back to these bytes, as far as `wanted`. */
function replayed(port: number, pieces: readonly Buffer[], wanted: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1').setNoDelay();
    let seen = '';
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1');
      if (seen.includes(wanted)) socket.destroy();
    });
    socket.on('error', () => {}).on('close', () => resolve(seen.includes(wanted)));
    const write = ([piece, ...rest]: readonly Buffer[]) => {
      if (piece) socket.write(piece, () => setImmediate(write, rest));
    };
    write(pieces);
  });
}

test('who asks by acme-tls/1 for a name that is being proved gets the challenge’s certificate, all others the usual one', async () => {
  await using dir = await testDir();
  const authority = testAuthority(dir.path);
  const usual = authority.issue('usual', ['hub.example.org']);
  const pem = ({ cert, key }: typeof usual) => ({ chain: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') });
  const other = pem(authority.issue('other', ['challenge.invalid']));
  const challenges = openChallenges();
  const front = await openTlsFront({
    certificates: [usual],
    challenges,
    clock: systemClock,
    log: quiet,
    onSecure: ({ socket }) => socket.on('error', () => {}),
  });
  await using server = await rawServer((socket) => front.accept(socket));
  const { port } = server.address as { port: number };
  const servername = 'hub.example.org';
  const asked = { servername, ALPNProtocols: ['acme-tls/1'] };

  await expect(served(port, asked)).rejects.toThrow();
  challenges.set([{ kind: 'tls-alpn-01', domain: servername, ...other }]);
  expect(await served(port, asked)).toEqual({ name: 'challenge.invalid', protocol: 'acme-tls/1' });
  const hello = await helloOf(asked);
  for (const cut of [1, 4, 40, hello.length - 1]) {
    const pieces = [hello.subarray(0, cut), hello.subarray(cut)];
    expect(challenges.asks(hello.subarray(0, 4))).toBe('more');
    expect(await replayed(port, pieces, 'challenge.invalid')).toBe(true);
  }
  expect(challenges.asks(await helloOf({ servername, ALPNProtocols: ['http/1.1'] }))).toBe(false);
  expect(await served(port, { servername, ALPNProtocols: ['http/1.1'] })).toEqual({
    name: servername,
    protocol: 'http/1.1',
  });
  await expect(served(port, { ...asked, servername: 'other.example.org' })).rejects.toThrow();
  challenges.set([]);
  await expect(served(port, asked)).rejects.toThrow();
  await front.close();
});

test('answers to http-01 are for exactly their path, for as long as they are said', () => {
  const challenges = openChallenges();
  challenges.set([{ kind: 'http-01', token: 'abc', answer: 'abc.def' }]);

  expect(challenges.answer('/.well-known/acme-challenge/abc')).toBe('abc.def');
  expect(challenges.answer('/.well-known/acme-challenge/abcd')).toBeUndefined();
  expect(challenges.answer('/.well-known/acme-challenge/')).toBeUndefined();
  challenges.set([]);
  expect(challenges.answer('/.well-known/acme-challenge/abc')).toBeUndefined();
});

test('without a certificate, or with a damaged one, a self-signed one is served; one of an authority stays', async () => {
  await using dir = await testDir();
  const file = `${dir.path}/tls/fetched.pem`;
  const options = { file, fallback: { dir: `${dir.path}/tls`, names: ['hub.example.org'] } };
  const start = () => startingFile(options, systemClock, quiet);

  await start();
  const own = readFileSync(file, 'utf8');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await start();
  expect(readFileSync(file, 'utf8')).toBe(own);
  writeFileSync(file, own.slice(0, 400));
  await start();
  expect(readFileSync(file, 'utf8')).toBe(own);

  const { cert, key } = testAuthority(dir.path).issue('real', ['hub.example.org']);
  const real = { chain: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  expect(await keep(file, real)).toBe(true);
  expect(await keep(file, real)).toBe(false);
  const kept = readFileSync(file, 'utf8');
  // What could not be served does not take the place of what can: a chain in another order, somebody else's key, half a file.
  const [first = '', second = ''] = real.chain.match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----\n/g) ?? [];
  const foreign = readFileSync(`${dir.path}/root.key`, 'utf8');
  const refused = [{ chain: second + first }, { key: foreign }, { chain: first.slice(0, 400) }, { chain: '' }];
  for (const part of refused) await expect(keep(file, { ...real, ...part })).rejects.toThrow(CertificateError);
  expect(readFileSync(file, 'utf8')).toBe(kept);
  expect(readdirSync(`${dir.path}/tls`).filter((name) => name.includes('tmp'))).toEqual([]);
  await start();
  expect(readFileSync(file, 'utf8')).toBe(kept);
});
