import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createAuthority, type IdentityFacts, identityDocument } from './index.ts';

const run = promisify(execFile);
const now = Date.UTC(2026, 10, 21, 8);
const facts: IdentityFacts = {
  accountId: '123456789012',
  architecture: 'x86_64',
  availabilityZone: 'us-east-1a',
  imageId: 'ami-0a1b2c3d4e5f60718',
  instanceId: 'i-0a1b2c3d4e5f60718',
  instanceType: 't3.medium',
  pendingTime: now + 250,
  privateIp: '127.77.0.4',
  region: 'us-east-1',
};

/** What `openssl smime -verify`, the command of AWS's guide, makes of a PKCS #7 text. */
async function verified(certificate: string, pkcs7: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'identity-'));
  try {
    await writeFile(join(dir, 'certificate'), certificate);
    await writeFile(join(dir, 'pkcs7'), `-----BEGIN PKCS7-----\n${pkcs7}\n-----END PKCS7-----\n`);
    const args = ['smime', '-verify', '-in', 'pkcs7', '-inform', 'PEM', '-certfile', 'certificate', '-noverify'];
    const { stdout } = await run('openssl', args, { cwd: dir });
    return stdout;
  } finally {
    await rm(dir, { recursive: true });
  }
}

test('the document has the fields and the form of the real one', () => {
  const document = identityDocument(facts);
  expect(document).toMatch(/^\{\n {2}"accountId" : "123456789012",\n/);
  expect(JSON.parse(document)).toMatchObject({
    instanceId: facts.instanceId,
    pendingTime: '2026-11-21T08:00:00Z',
    billingProducts: null,
    version: '2017-09-30',
  });
});

test('openssl accepts the RSA-2048 signature, and only of the right certificate and whole text', async () => {
  const authority = await createAuthority(now);
  const other = await createAuthority(now);
  const text = authority.rsa2048(facts);

  expect(await verified(authority.certificate, text)).toBe(identityDocument(facts));
  await expect(verified(other.certificate, text)).rejects.toThrow();
  const forged = Buffer.from(text, 'base64');
  forged[forged.indexOf('i-0a1b2c3d') + 3]! ^= 1;
  await expect(verified(authority.certificate, forged.toString('base64'))).rejects.toThrow();
});

test('the form is AWS’s: indefinite lengths, lines of 76, no certificate inside', async () => {
  const authority = await createAuthority(now);
  const text = authority.rsa2048(facts);
  expect(text).toMatch(/^MIAGCSqGSIb3DQEHAqCAMIACAQExDzANBglghkgBZQMEAgEFADCABgkqhkiG9w0BBwGggCSABIIB\n/);
  expect(text).toMatch(/AAAAAAA[A=]*$/);
  expect(text.split('\n').every((line) => line.length <= 76)).toBe(true);
});

test('the certificate is a sound self-signed one', async () => {
  const { certificate } = await createAuthority(now);
  const read = new X509Certificate(certificate);
  expect(read.verify(read.publicKey)).toBe(true);
  expect(read.subject.split('\n')).toContain('O=Amazon Web Services LLC');
  expect(read.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048);
});

test('the older forms are there and are not the RSA-2048 one', async () => {
  const authority = await createAuthority(now);
  const dsa = await authority.pkcs7(facts);
  await expect(verified(authority.certificate, dsa)).rejects.toThrow();
  expect(Buffer.from(await authority.signature(facts), 'base64')).toHaveLength(128);
});

test('five hundred machines are signed for in a moment', async () => {
  const authority = await createAuthority(now);
  const began = performance.now();
  for (let n = 0; n < 500; n++) authority.rsa2048({ ...facts, privateIp: `127.77.1.${n % 250}` });
  expect(performance.now() - began).toBeLessThan(10_000);
});
