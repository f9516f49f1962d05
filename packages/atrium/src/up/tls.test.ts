import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { get as getPlain } from 'node:http';
import { get } from 'node:https';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../../../tools/free-port.ts';
import { NO_SERVERS, type TestCli, testCli } from '../testing/cli.ts';

const LONG = 180_000;
const config = (settings: string) => NO_SERVERS.replace('port: 0,', `port: 0, ${settings}`);

/** A certificate and its key in the command's folder, which the hub's account may read. */
function certify(cli: TestCli, days: number, name = 'localhost') {
  const files = { cert: join(cli.dir, 'cert.pem'), key: join(cli.dir, 'key.pem') };
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', String(days)],
      ...['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-keyout', files.key, '-out', files.cert],
    ],
    { stdio: 'ignore' },
  );
  return files;
}

function ask(url: string, ca: Buffer): Promise<{ status: number | undefined; cookies: string }> {
  return new Promise((resolve, reject) => {
    get(url, { ca, agent: false }, (answer) => {
      answer.resume().on('end', () => {
        resolve({ status: answer.statusCode, cookies: String(answer.headers['set-cookie']) });
      });
    }).on('error', reject);
  });
}

test('a self-signed certificate: its fingerprint is printed, cookies are for https, status knows until when', {
  timeout: LONG,
}, async () => {
  await using cli = testCli(config("tls: 'self-signed', redirectPort: 0,"));

  const up = await cli.up();
  expect(up.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/$/);
  await expect
    .poll(() => up.said(), { timeout: 10_000 })
    .toMatch(/SHA-256 fingerprint is\s+([0-9A-F]{2}:){31}[0-9A-F]{2}\n/);
  expect(up.said()).not.toContain('without encryption');
  const ca = readFileSync(join(cli.places.dataDir, 'tls/self-signed.pem'));
  const { status, cookies } = await ask(new URL('hub/login', up.url).href, ca);

  expect(status).toBe(200);
  expect(cookies).toContain('; Secure');
  const served = async () => (await cli.json<{ hub: { certificates: unknown[] } }>('status')).hub.certificates;
  await expect.poll(served, { timeout: 20_000 }).toMatchObject([{ selfSigned: true, subject: 'localhost' }]);
  expect((await cli.run(['doctor'])).out).toMatch(
    /ok +encryption: Certificate localhost, self-signed \(127\.0\.0\.1, localhost, /,
  );
});

test('a certificate that cannot be served stops the start, in words; one that ends soon is warned of', {
  timeout: LONG,
}, async () => {
  await using cli = testCli();
  const files = certify(cli, 20);
  writeFileSync(
    join(cli.dir, 'atrium.config.ts'),
    config(
      `tls: ${JSON.stringify(files)}, publicUrl: 'https://hub.example.org', subdomainHost: 'https://hub.example.org',`,
    ),
  );
  chmodSync(files.key, 0o644);

  const refused = await cli.run(['up']);
  expect(refused).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('Every account of this machine can read'),
  });
  const doctor = await cli.run(['doctor']);
  expect(doctor.out).toMatch(/FAIL +encryption: Every account/);

  chmodSync(files.key, 0o600);
  const again = await cli.run(['doctor']);
  expect(again.out).toMatch(/warn +encryption: .*cert\.pem: the certificate ends in (19|20) days/);
  expect(again.out).toMatch(/warn +encryption: No certificate is for hub\.example\.org/);
  expect(again.out).toMatch(/warn +encryption: No certificate is for \*\.hub\.example\.org/);
});

/** Of an answer without TLS, or why there was none. */
const plainly = (port: number): Promise<number | string | undefined> =>
  new Promise((resolve) => {
    getPlain({ host: '127.0.0.1', port, agent: false, headers: { host: 'localhost' } }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    }).on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });

test('the port for redirects is closed when encryption is given up with a restart, and opened when it comes back', {
  timeout: LONG,
}, async () => {
  const redirectPort = await freePort();
  const file = (settings: string) => writeFileSync(join(cli.dir, 'atrium.config.ts'), config(settings));
  const encrypted = `tls: 'self-signed', redirectPort: ${redirectPort}, drain: '1s',`;
  await using cli = testCli(config(encrypted));
  const restart = async () => {
    await cli.json('restart');
    await cli.json('restart', '--proxy');
  };
  const up = await cli.up();
  expect(await plainly(redirectPort)).toBe(308);

  file("drain: '1s',");
  await restart();
  await expect.poll(() => plainly(redirectPort), { timeout: 20_000 }).toBe('ECONNREFUSED');
  expect(await plainly(Number(new URL(up.url).port))).toBe(302);

  file(encrypted);
  await restart();
  expect(await plainly(redirectPort)).toBe(308);
  expect(await up.end()).toBe(0);
});
