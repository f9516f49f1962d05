import { chmodSync, readFileSync, statSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../../../tools/free-port.ts';
import { testPebble } from '../../../../tools/test-machine.ts';
import { startPebble } from '../../../../tools/test-pebble.ts';
import { openTls, servedCertificate } from '../../../../tools/tls-visitor.ts';
import { NO_SERVERS, testCli } from '../testing/cli.ts';

/** On a busy machine Pebble itself may fail to look a name up, and the hub then pauses. */
const LONG = { timeout: 600_000, retry: 2 };
const SOON = { timeout: 150_000, interval: 200 };
const NAME = 'hub.example.org';

const config = (settings: object) =>
  NO_SERVERS.replace('port: 0,', `port: 0, ${JSON.stringify(settings).slice(1, -1)},`);

const visit = (url: string, ca: string) => ({ port: Number(new URL(url).port), servername: NAME, ca });

const statusOf = (url: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    get(url, { headers: { host: NAME }, agent: false }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    }).on('error', reject);
  });

describe.skipIf(!testPebble())('certificates by ACME', () => {
  test('a hub gets its certificate, renews it while connections stay, and starts with it when nobody answers', {
    ...LONG,
  }, async () => {
    const redirectPort = await freePort();
    const tlsPort = await freePort();
    await using pebble = await startPebble({ httpPort: redirectPort, tlsPort });
    chmodSync(join(pebble.ca, '..'), 0o755);
    const acme = {
      email: 'ada@example.org',
      domains: [NAME, 'www.example.org'],
      directory: pebble.directory,
      ca: pebble.ca,
    };
    await using cli = testCli(config({ tls: { acme }, redirectPort }));

    const up = await cli.up();
    const ca = await pebble.root();
    await expect
      .poll(() => servedCertificate(visit(up.url, ca)), SOON)
      .toMatchObject({ subjectaltname: `DNS:${NAME}, DNS:www.example.org` });

    // Whoever is connected stays with the certificate that they came with.
    const stays = await openTls(visit(up.url, ca));
    const first = stays.getPeerCertificate().fingerprint256;
    const file = join(cli.places.dataDir, 'tls/fetched.pem');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await statusOf(`http://127.0.0.1:${redirectPort}/hub/home`)).toBe(308);
    expect(await statusOf(`http://127.0.0.1:${redirectPort}/.well-known/acme-challenge/unknown`)).toBe(308);
    expect(await cli.json('certificate', '--renew')).toMatchObject({ domains: acme.domains, problem: null });
    await expect
      .poll(async () => (await servedCertificate(visit(up.url, ca)))?.fingerprint256 ?? first, SOON)
      .not.toBe(first);
    expect(await stays.ask()).toBe('HTTP/1.1 200 OK');
    expect(stays.getPeerCertificate().fingerprint256).toBe(first);
    stays.destroy();

    // The proxy's last state is on its disk: a new one needs neither the hub nor the authority.
    const renewed = readFileSync(file, 'utf8');
    await pebble[Symbol.asyncDispose]();
    expect(await up.end()).toBe(0);
    const again = await cli.up();
    expect((await servedCertificate(visit(again.url, ca)))?.subjectaltname).toContain(NAME);
    expect(readFileSync(file, 'utf8')).toBe(renewed);
    expect(again.said()).not.toContain('self-signed');
  });
});
