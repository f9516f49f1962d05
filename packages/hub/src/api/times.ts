import { HubError } from '@atrium/sdk';

/** Contract §3.2: naive UTC plus `Z`, six digits of a second, none when they are zero. */
export function isoTime(ms: number): string {
  const text = new Date(ms).toISOString();
  return text.endsWith('.000Z') ? `${text.slice(0, -5)}Z` : `${text.slice(0, -1)}000Z`;
}

export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}

const ISO = /^(\d{4}-?\d\d-?\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

/**
 * Any ISO 8601 time, with or without an offset (then UTC), to ms since the epoch.
 * @throws HubError `bad_request`: `Not a valid timestamp: 'x'`.
 */
export function parseTime(text: unknown): number {
  const invalid = () => new HubError('bad_request', `Not a valid timestamp: '${String(text)}'`);
  const match = typeof text === 'string' ? ISO.exec(text.trim()) : null;
  if (!match) throw invalid();
  const [, date = '', hours = '00', minutes = '00', seconds = '00', fraction = '', zone = 'Z'] = match;
  const day = date.replace(/-/g, '').replace(/^(....)(..)(..)$/, '$1-$2-$3');
  const millis = fraction.padEnd(3, '0').slice(0, 3);
  const offset = /^z$/i.test(zone)
    ? 'Z'
    : zone.replace(/^(...):?(\d\d)?$/, (_, hour, minute = '00') => `${hour}:${minute}`);
  const ms = Date.parse(`${day}T${hours}:${minutes}:${seconds}.${millis}${offset}`);
  if (Number.isNaN(ms)) throw invalid();
  return ms;
}
