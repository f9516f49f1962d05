import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { quiet, testDir } from '../../test-kit.ts';
import { testAuthority } from '../../tls/test-certificates.ts';
import { openFetching } from './fetching.ts';
import { FileStore } from './file-store.ts';

const DIRECTORY = 'https://ca.example.org/dir';
const HOUR = 3_600_000;
const clock = { now: () => Date.now(), sleep: async () => {} };

/** A store with everything in it. */
async function full(path: string, dir: string) {
  const files = testAuthority(dir).issue('own', ['hub.example.org']);
  const [chain, key] = [readFileSync(files.cert, 'utf8'), readFileSync(files.key, 'utf8')];
  const store = await again(path);
  const issued = {
    chain,
    key,
    directory: DIRECTORY,
    domains: ['hub.example.org'],
    notBefore: 1,
    notAfter: 4,
    renewAt: 3,
  };
  await store.keepAccountKey({ directory: DIRECTORY, key });
  await store.putCertificate(issued, 10 * HOUR);
  await store.putOrder({ url: `${DIRECTORY}/order/1`, key });
  return { store, chain, key, issued };
}

function again(path: string, onUnwritable: (error: Error) => void = ({ message }) => expect.unreachable(message)) {
  return FileStore.open(path, async () => {}, onUnwritable);
}

test('what was kept is there after a restart, and nobody else may read it', async () => {
  await using dir = await testDir();
  const path = join(dir.path, 'new', 'acme.json');
  const { store, chain, key, issued } = await full(path, dir.path);
  const failure = { tried: 'x', attempts: 2, nextAt: 9, problem: 'no', kind: 'dns', now: 5 };
  await store.putFailure(failure);

  const next = await again(path);
  expect(next.certificate).toEqual({ chain, key });
  expect(await next.findAccountKey(DIRECTORY)).toBe(key);
  expect(await next.findAccountKey('constructor')).toBeUndefined();
  expect(await next.readOrder()).toEqual({ url: `${DIRECTORY}/order/1`, key });
  expect(next.state).toMatchObject({
    attempts: 2,
    nextAt: 9,
    problem: 'no',
    problemKind: 'dns',
    tried: 'x',
    renewAt: 3,
  });
  expect(readdirSync(join(dir.path, 'new'))).toEqual(['acme.json']);

  // An account stays, an order is dropped by its address, and one certificate after the other has its pace.
  expect(await next.keepAccountKey({ directory: DIRECTORY, key: 'another' })).toBe(key);
  await next.dropOrder(`${DIRECTORY}/order/2`);
  expect(await next.readOrder()).toBeDefined();
  await next.putCertificate(issued, 10 * HOUR + 1);
  expect(await next.readOrder()).toBeUndefined();
  expect(next.state).toMatchObject({ attempts: 0, problem: undefined, nextAt: 11 * HOUR + 1 });
  await next.putRenewal({ renewAt: 99 }, { renewAt: 1, askAt: 1 });
  expect(next.state.renewAt).toBe(3);
});

test.each<[string, (text: string) => string, string]>([
  ['half a file', (text) => text.slice(0, text.length / 2), 'it is damaged'],
  ['an empty one', () => '', 'it is damaged'],
  ['routes', () => '{"hostRouting": false, "routes": {}}', 'a file of something else'],
  ['a list', () => '[]', 'something in it is missing'],
  ['a newer one', (text) => text.replace('"version": 1', '"version": 2'), 'from a newer atrium-proxy'],
  ['no state', (text) => text.replace('"state"', '"estate"'), 'something in it is missing'],
  ['a time that is none', (text) => text.replace('"renewAt": 3', '"renewAt": "soon"'), 'missing or damaged'],
  ['a time that never comes', (text) => text.replace('"nextAt": 0', '"nextAt": 1e300'), 'missing or damaged'],
  [
    'a broken certificate',
    (text) => text.replace(/(BEGIN CERTIFICATE-----\\n).{40}/, '$1'),
    'the certificate in it is damaged',
  ],
  ['a broken account', (text) => text.replace(/BEGIN (EC )?PRIVATE/, 'BEGIN PUBLIC'), 'the key of an account'],
  ['an order without an address', (text) => text.replace(/"url": "[^"]*"/, '"url": ""'), 'the order in it is damaged'],
])('%s is refused in words and stays as it is', async (_what, damage, words) => {
  await using dir = await testDir();
  const path = join(dir.path, 'new', 'acme.json');
  await full(path, dir.path);
  const text = damage(readFileSync(path, 'utf8'));
  writeFileSync(path, text);

  await expect(again(path)).rejects.toMatchObject({ name: 'KeptError', message: expect.stringContaining(words) });
  await expect(again(path)).rejects.toThrow(/acme\.json cannot be used: .* It was not touched\./);

  expect(readFileSync(path, 'utf8')).toBe(text);
  expect(readdirSync(join(dir.path, 'new'))).toEqual(['acme.json']);
});

test('keys that others may read, a folder that others may change, and a path that is no file are refused', async () => {
  await using dir = await testDir();
  const path = join(dir.path, 'new', 'acme.json');
  await full(path, dir.path);

  chmodSync(path, 0o640);
  await expect(again(path)).rejects.toThrow(/other accounts may read or change the keys in it \(chmod 600/);
  chmodSync(path, 0o600);
  chmodSync(join(dir.path, 'new'), 0o770);
  await expect(again(path)).rejects.toThrow(/Other accounts can change what is in .*new/);
  chmodSync(join(dir.path, 'new'), 0o700);
  await again(path);
  mkdirSync(join(dir.path, 'odd', 'acme.json'), { recursive: true, mode: 0o700 });
  await expect(again(join(dir.path, 'odd', 'acme.json'))).rejects.toThrow('it is not a file');
  await expect(again(join(path, 'acme.json'))).rejects.toThrow(/Certificates cannot be kept in .*acme\.json: /);
});

test('what a killed proxy was writing is removed; a folder that takes nothing more stops only who has no certificate', async () => {
  await using dir = await testDir();
  const own = join(dir.path, 'new');
  const path = join(own, 'acme.json');
  await full(path, dir.path);
  for (const name of ['acme.json.12.tmp', 'fetched.pem.12.tmp', 'notes.tmp']) writeFileSync(join(own, name), 'half');
  await again(path);
  expect(readdirSync(own).sort()).toEqual(['acme.json', 'notes.tmp']);

  // Where the next version would be written to: nobody can write it, root neither.
  mkdirSync(join(own, `acme.json.${process.pid}.tmp`, 'in the way'), { recursive: true });
  const troubles: string[] = [];
  expect((await again(path, ({ message }) => void troubles.push(message))).certificate).toBeDefined();
  expect(troubles).toHaveLength(1);
  rmSync(path);
  await expect(again(path)).rejects.toThrow(/Certificates cannot be kept in/);
});

test('a certificate file that is not ours is not written over; one that was lost comes back', async () => {
  await using dir = await testDir();
  const own = join(dir.path, 'new');
  const file = join(own, 'fetched.pem');
  const settings = { email: 'ada@example.org', domains: ['hub.example.org'], directory: DIRECTORY };
  const openAgain = () => openFetching({ settings, dir: own, tls: {} }, undefined, { clock, log: quiet });
  mkdirSync(own, { mode: 0o700 });
  writeFileSync(file, 'notes', { mode: 0o600 });

  await expect(openAgain()).rejects.toThrow(/fetched\.pem holds .* It was not touched\./);
  expect(readFileSync(file, 'utf8')).toBe('notes');

  const other = join(dir.path, 'other');
  const { chain } = await full(join(other, 'acme.json'), dir.path);
  const fetched = join(other, 'fetched.pem');
  const openOther = () => openFetching({ settings, dir: other, tls: {} }, undefined, { clock, log: quiet });
  expect(existsSync(fetched)).toBe(false);
  await openOther();
  expect(readFileSync(fetched, 'utf8')).toContain(chain.trim());
  // A copy that came back from elsewhere with another mode would not be served.
  chmodSync(fetched, 0o644);
  await openOther();
  expect(statSync(fetched).mode & 0o777).toBe(0o600);

  // Without what it knew, it may be anybody's: the next one that is fetched takes its name, and it is kept beside.
  rmSync(join(other, 'acme.json'));
  const text = readFileSync(fetched, 'utf8');
  await openOther();
  await openOther();
  const copies = readdirSync(other).filter((name) => /^fetched-[0-9a-f]{12}\.pem$/.test(name));
  expect(copies.map((name) => readFileSync(join(other, name), 'utf8'))).toEqual([text]);
});
