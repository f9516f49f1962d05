import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { keyHash } from './hub/trust.ts';
import { testWorld } from './test-world.ts';

const run = promisify(execFile);
const SOON = { timeout: 50_000, interval: 20 };

/** A cluster's own CA and a certificate of the hub for one address. */
async function certificates(address = '127.0.0.1') {
  const dir = await mkdtemp(join(tmpdir(), 'atrium-ca-'));
  const at = (name: string) => join(dir, name);
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await run('openssl', [
    'req',
    '-x509',
    ...ec,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-subj',
    '/CN=cluster',
    '-days',
    '2',
  ]);
  const extension = ['-addext', `subjectAltName=IP:${address}`, '-addext', 'basicConstraints=critical,CA:FALSE'];
  const by = ['-CA', at('ca.pem'), '-CAkey', at('ca.key')];
  await run('openssl', [
    'req',
    '-x509',
    ...ec,
    '-keyout',
    at('key'),
    '-out',
    at('cert'),
    '-subj',
    '/CN=hub',
    '-days',
    '2',
    ...extension,
    ...by,
  ]);
  const [ca, key, cert] = await Promise.all(['ca.pem', 'key', 'cert'].map((name) => readFile(at(name), 'utf8')));
  const pin = `sha256/${keyHash(new X509Certificate(ca!)).toString('base64')}`;
  return {
    dir,
    ca: ca!,
    caFile: at('ca.pem'),
    pin,
    tls: { key: key!, cert: `${cert}${ca}` },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true }),
  };
}

test.each(['pin', 'caFile'] as const)(
  'a hub whose certificate leads to the cluster’s own CA is believed (%s)',
  async (kind) => {
    await using certs = await certificates();
    await using world = await testWorld({ speed: 20, tls: certs.tls });
    const machine = await world.machine(1, {}, { ca: certs[kind] });
    machine.boot();

    await expect.poll(() => world.hub.of(machine.id, 'heartbeat').length, SOON).toBeGreaterThan(0);

    // The notebook server speaks to the hub itself and trusts the same, besides the system's own.
    const bundle = await readFile(join(machine.root, 'run/atrium-public/ca-bundle.pem'), 'utf8');
    expect(bundle).toContain(certs.ca.trim());
  },
);

test('another CA, another name and no CA at all: nothing is sent', async () => {
  await using certs = await certificates();
  await using other = await certificates();
  await using misnamed = await certificates('10.0.0.5');
  await using world = await testWorld({ speed: 50, tls: certs.tls });
  await using elsewhere = await testWorld({ speed: 50, tls: misnamed.tls });
  const system = join(other.dir, 'empty.pem');
  await writeFile(system, other.ca);
  const machines = await Promise.all([
    world.machine(1, {}, { ca: other.pin }),
    world.machine(2, {}, { ca: other.caFile }),
    world.machine(3),
    world.machine(4, {}, { ca: join(other.dir, 'missing.pem') }),
    elsewhere.machine(5, {}, { ca: misnamed.pin }),
    elsewhere.machine(6, {}, { ca: misnamed.caFile }),
  ]);
  for (const machine of machines) machine.boot();

  for (const machine of machines)
    await expect
      .poll(() => machine.logs.filter((line) => line.startsWith('no hub took')).length, SOON)
      .toBeGreaterThan(2);

  expect([...world.hub.calls, ...elsewhere.hub.calls]).toEqual([]);
  expect(machines[0]!.logs.join()).toContain('pinned key');
  expect(machines[3]!.logs.join()).toContain('could not be read');
  expect(machines[4]!.logs.join()).toContain('altnames');
});
