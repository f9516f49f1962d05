import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { testAuthority } from '../../../proxy/src/tls/test-certificates.ts';
import { readIssued } from './issued.ts';

const dir = mkdtempSync(join(tmpdir(), 'atrium-issued-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const authority = testAuthority(dir);
const NAMES = ['hub.example.org', '*.hub.example.org'];
const files = authority.issue('own', NAMES);
const read = (name: string) => readFileSync(join(dir, name), 'utf8');
const [own, middle, root] = ['own.pem', 'middle.pem', 'root.pem'].map(read) as [string, string, string];
const key = readFileSync(files.key, 'utf8');

test('a chain in its order is taken, with or without the root', () => {
  expect(readIssued(own + middle, key, NAMES).subject).toBe('CN=hub.example.org');
  expect(readIssued(own + middle + root, key, ['HUB.example.org']).subject).toBe('CN=hub.example.org');
});

test.each([
  ['another order', own + root + middle, 'certificate 2 did not sign'],
  ['a gap at the end', own + middle + own, 'certificate 3 did not sign'],
  ['the authority’s own first', middle + own, 'for another key'],
  ['nothing', '', 'something else instead'],
  ['a page', '<html>', 'something else instead'],
  ['half of it', own.replace(/\n[^\n]+\n-----END/, '\n-----END'), 'broken'],
])('%s is not', (_what, chain, words) => {
  expect(() => readIssued(chain, key, NAMES)).toThrow(words);
});

test('nor is one for another name', () => {
  expect(() => readIssued(own + middle, key, ['other.example.org'])).toThrow('not for other.example.org');
});

const readOwn = (file: string) => [readFileSync(join(dir, `${file}-chain.pem`), 'utf8'), read(`${file}.key`)] as const;

test.each([
  ['clientAuth', 'not for servers'],
  ['codeSigning, emailProtection', 'not for servers'],
  ['clientAuth, serverAuth', undefined],
  ['anyExtendedKeyUsage', undefined],
])('of uses, that of a server is wanted: %s', (uses, words) => {
  authority.issue('used', NAMES, { extensions: `extendedKeyUsage=${uses}` });
  const taken = () => readIssued(...readOwn('used'), NAMES);

  if (words === undefined) expect(taken().subject).toBe('CN=hub.example.org');
  else expect(taken).toThrow(words);
});

test('what Node would not serve is refused before it takes the place of one that works', () => {
  authority.issue('weak', NAMES, { newKey: ['-newkey', 'rsa:1024', '-nodes'] });

  expect(() => readIssued(...readOwn('weak'), NAMES)).toThrow(/this program cannot serve: .*key too small/);
});
