import type { Json } from '@atrium/sdk';

/** What a column holds, as SQLite or PostgreSQL gave it. Null and a missing column (an older JupyterHub's) read the same. */

export function textCell(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

export function numberCell(value: unknown): number | null {
  const number = Number(textCell(value) ?? Number.NaN);
  return Number.isSafeInteger(number) ? number : null;
}

export function booleanCell(value: unknown): boolean {
  return value === 1 || value === true || value === 't' || value === 'true' || value === '1';
}

/** Ms since the epoch; JupyterHub writes UTC without saying so. */
export function timeCell(value: unknown): number | null {
  const [, day, time, fraction = ''] =
    /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?$/.exec(textCell(value) ?? '') ?? [];
  if (day === undefined) return null;
  const at = Date.parse(`${day}T${time}.${fraction.padEnd(3, '0').slice(0, 3)}Z`);
  return Number.isNaN(at) ? null : at;
}

/** Bytes as base64: a BLOB, or PostgreSQL's hexadecimal text. */
export function bytesCell(value: unknown): string | null {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  const hex = /^\\x([0-9a-f]*)$/i.exec(textCell(value) ?? '')?.[1];
  return hex === undefined ? null : Buffer.from(hex, 'hex').toString('base64');
}

/** Null for what is none. Bytes in it (contract §9.1) that do not decode read as null, as they do in JupyterHub. */
export function jsonCell(value: unknown): Json {
  const text = textCell(value);
  if (text === null) return null;
  try {
    return JSON.parse(text, (_, item: Json) => (isBytes(item) && !decodes(item) ? null : item)) as Json;
  } catch {
    return null;
  }
}

export function objectCell(value: unknown): { [key: string]: Json } {
  const json = jsonCell(value);
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as { [key: string]: Json }) : {};
}

/** The strings of a list; undefined when it is none. */
export function listCell(value: unknown): string[] | undefined {
  const json = jsonCell(value);
  return Array.isArray(json) ? json.filter((item): item is string => typeof item === 'string') : undefined;
}

const BYTES = '__jupyterhub_bytes__';

const isBytes = (item: Json): item is { data: Json } =>
  typeof item === 'object' &&
  item !== null &&
  !Array.isArray(item) &&
  Boolean((item as { [key: string]: Json })[BYTES]);

const decodes = ({ data }: { data: Json }) => typeof data === 'string' && /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(data);
