import { expect, test } from 'vitest';
import { isoTime, parseTime } from './times.ts';

test.each([
  [0, '1970-01-01T00:00:00Z'],
  [Date.UTC(2024, 0, 2, 3, 4, 5), '2024-01-02T03:04:05Z'],
  [Date.UTC(2024, 0, 2, 3, 4, 5, 123), '2024-01-02T03:04:05.123000Z'],
])('%i is written as %s and read again', (ms, text) => {
  expect(isoTime(ms)).toBe(text);
  expect(parseTime(text)).toBe(ms);
});

test.each([
  ['2024-01-02T03:04:05', '2024-01-02T03:04:05.000Z'],
  ['2024-01-02 03:04:05.123456', '2024-01-02T03:04:05.123Z'],
  ['2024-01-02T03:04:05+02:00', '2024-01-02T01:04:05.000Z'],
  ['2024-01-02T03:04:05.5-0130', '2024-01-02T04:34:05.500Z'],
  ['2024-01-02T03:04:05+02', '2024-01-02T01:04:05.000Z'],
  ['20240102T030405Z', '2024-01-02T03:04:05.000Z'],
  ['2024-01-02', '2024-01-02T00:00:00.000Z'],
])('%s is read as UTC unless it says otherwise', (text, iso) => {
  expect(new Date(parseTime(text)).toISOString()).toBe(iso);
});

test.each(['', 'yesterday', '2024-13-01', '2024-01-02T25:00:00', '2024', 'x2024-01-02', 5, null, {}])(
  '%j is no time',
  (text) => {
    expect(() => parseTime(text)).toThrow(`Not a valid timestamp: '${String(text)}'`);
  },
);
