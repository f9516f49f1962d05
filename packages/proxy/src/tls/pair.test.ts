import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { testDir } from '../test-kit.ts';
import { checkCertificates } from './check.ts';
import { expiryProblem, readPair } from './pair.ts';
import { testAuthority } from './test-certificates.ts';

const dir = await testDir();
afterAll(() => dir[Symbol.asyncDispose]());
const authority = testAuthority(dir.path);
const { path } = authority;
const good = authority.issue('good', ['hub.example.org', '*.hub.example.org']);
const other = authority.issue('other', ['other.example.org']);
const file = (name: string, ...from: string[]) => {
  writeFileSync(path(name), from.map((one) => readFileSync(path(one), 'utf8')).join(''), { mode: 0o600 });
  return path(name);
};

test('a full chain and its key are read, and what they are for', async () => {
  const pair = await readPair(good);

  expect(pair.names).toEqual(['hub.example.org', '*.hub.example.org']);
  expect(pair.selfSigned).toBe(false);
  // The test's own authority is none that browsers know.
  expect(pair.warnings).toEqual([expect.stringContaining('no public authority signed middle')]);
  expect(expiryProblem(good.cert, pair, Date.now())).toBeUndefined();
});

describe('what cannot be served is said', () => {
  const cases: Record<string, () => [Partial<typeof good>, RegExp]> = {
    'a missing certificate': () => [{ cert: path('none.pem') }, /none\.pem, the certificate, is not there/],
    'a missing key': () => [{ key: path('none.key') }, /none\.key, the key of the certificate, is not there/],
    'a folder': () => [{ cert: dir.path }, /is not a file/],
    'a key of another certificate': () => [
      { key: other.key },
      /other\.key is the key of another certificate: it does not belong to hub\.example\.org in .*good-chain\.pem/,
    ],
    'the chain backwards': () => [
      { cert: file('backwards.pem', 'middle.pem', 'good.pem') },
      /wrong order\. The server's own \(hub\.example\.org\), now number 2, must come first/,
    ],
    'a chain in disorder': () => [
      { cert: file('disorder.pem', 'good.pem', 'root.pem', 'middle.pem') },
      /wrong order\. After number 1 \(hub\.example\.org\) must come the one that signed it, number 3 \(middle\)/,
    ],
    'a stranger in the chain': () => [
      { cert: file('stranger.pem', 'good.pem', 'other.pem') },
      /certificate 2 \(other\.example\.org\) did not sign the one before it \(hub\.example\.org\)/,
    ],
    'a key in the place of the certificate': () => [{ cert: good.key }, /holds a private key instead of a certificate/],
    'no key in the place of the key': () => [{ key: file('no.key', 'good.pem') }, /holds no private key/],
    'a broken key': () => {
      const text = readFileSync(good.key, 'utf8');
      writeFileSync(path('broken.key'), text.replace(/\n\w{10}/, '\nAAAAAAAAAA'), { mode: 0o600 });
      return [{ key: path('broken.key') }, /The private key in .*broken\.key is broken/];
    },
    'a certificate for clients only': () => [
      authority.issue('client', ['client.example.org'], { extensions: 'extendedKeyUsage=clientAuth\n' }),
      /is not for servers/,
    ],
    'a key that everybody reads': () => {
      const key = file('open.key', 'good.key');
      chmodSync(key, 0o644);
      return [{ key }, /Every account of this machine can read the key in .*open\.key\. Take that away: chmod/];
    },
    'a key that others may change': () => {
      const key = file('group.key', 'good.key');
      chmodSync(key, 0o660);
      return [{ key }, /Other accounts can change the key/];
    },
  };

  test.each(Object.keys(cases))('%s', async (name) => {
    const [change, says] = cases[name]!();
    const error = await readPair({ ...good, ...change }).catch((thrown: Error) => thrown);

    expect(error).toMatchObject({ name: 'CertificateError', message: expect.stringMatching(says) });
    const secret = readFileSync(good.key, 'utf8').split('\n')[1]!;
    expect((error as Error).message).not.toContain(secret);
  });
});

test('an old one, one that is not valid yet, and one that ends soon', async () => {
  const day = 86_400_000;
  const now = Date.now();
  const check = (at: number) => checkCertificates([good], at);

  expect((await check(now + 61 * day)).problems).toEqual([expect.stringMatching(/expired on \d{4}-/)]);
  expect((await check(now - 2 * day)).problems).toEqual([
    expect.stringMatching(/valid from .* only\. Look at .* clock/),
  ]);
  expect(await check(now + 50 * day)).toMatchObject({
    problems: [],
    warnings: [expect.stringMatching(/the certificate ends in [89] days/), expect.anything()],
  });
});
