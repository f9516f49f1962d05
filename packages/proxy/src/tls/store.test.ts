import { copyFileSync } from 'node:fs';
import { type Log, systemClock } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { quiet, testDir } from '../test-kit.ts';
import { CertificateStore } from './store.ts';
import { testAuthority } from './test-certificates.ts';

test('a certificate whose time has not begun is refused in one line, and served when it has', async () => {
  await using dir = await testDir();
  const authority = testAuthority(dir.path);
  const first = authority.issue('first', ['first.example.org']);
  const second = authority.issue('second', ['second.example.org']);
  const files = { cert: authority.path('live.pem'), key: authority.path('live.key') };
  const put = (from: typeof first) => {
    copyFileSync(from.key, files.key);
    copyFileSync(from.cert, files.cert);
  };
  put(first);
  let now = Date.now() - 86_400_000;
  const said: unknown[] = [];
  const log: Log = {
    ...quiet,
    error: (facts, text) => void said.push([text, (facts as { err?: Error }).err?.message]),
  };
  const clock = { ...systemClock, now: () => now };
  const options = { certificates: [files], context: {}, clock, log, onChange() {} };
  const store = await CertificateStore.open(options);

  put(second);
  for (let look = 0; look < 4; look++) await store.look();
  expect(store.facts[0]!.subject).toBe('first.example.org');
  const ofNew = () => said.filter((line) => String(line).startsWith('a new certificate is not taken'));
  expect(ofNew()).toEqual([[expect.any(String), expect.stringContaining('is valid from')]]);

  now = Date.now();
  await store.look();
  expect(store.facts[0]!.subject).toBe('second.example.org');
  expect(ofNew()).toHaveLength(1);
});
