import { expect, test } from 'vitest';
import { LETS_ENCRYPT } from './settings.ts';
import { type CertificateState, NOTHING } from './store.ts';
import { isDue } from './turn.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const STAGING = 'https://acme-staging-v02.api.letsencrypt.org/directory';
const EMAIL = 'ada@example.org';
const DOMAINS = ['hub.example.org'];

/** As far as what is due depends on it: settings and the time. */
const due = (state: Partial<CertificateState>, directory = LETS_ENCRYPT) =>
  isDue(
    {
      settings: { email: EMAIL, domains: DOMAINS, directory },
      kind: 'http-01',
      clock: { now: () => NOW, sleep: async () => {} },
      fingerprint: (secret: string) => secret,
    },
    { ...NOTHING, ...state },
  );

/** As it is written down when an attempt fails. */
const failed = (nextAt: number, problemKind = 'connection') => ({
  tried: JSON.stringify([EMAIL, DOMAINS, LETS_ENCRYPT, null, 'http-01', null, null]),
  ...{ attempts: 1, nextAt, problem: 'no', problemKind },
});

test('after a failure it waits, unless what was tried is another', () => {
  expect(due({})).toBe('fetch');
  expect(due(failed(NOW + HOUR))).toBeUndefined();
  expect(due(failed(NOW - 1))).toBe('fetch');
  expect(due(failed(NOW + HOUR), STAGING)).toBe('fetch');
});

test('an authority’s limit holds whatever is changed, but for another authority', () => {
  const limited = failed(NOW + 7 * DAY, 'rateLimited');
  expect(due({ ...limited, tried: limited.tried.replace(EMAIL, 'grace@example.org') })).toBeUndefined();
  expect(due(limited, STAGING)).toBe('fetch');
});

test('a time that a wrong clock wrote down is not waited for', () => {
  expect(due(failed(Date.parse('2040-01-01T00:00:00Z')))).toBe('fetch');
  const present = { chain: 'one', domains: DOMAINS, directory: LETS_ENCRYPT, renewAt: NOW - 1 };
  expect(due({ ...present, nextAt: NOW + HOUR })).toBeUndefined();
  expect(due({ ...present, nextAt: NOW + 5_000 * DAY })).toBe('fetch');
});
