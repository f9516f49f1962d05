import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** A stamp is written after the last step of something long, so that whatever was cut off before it is done again. */
export function readStamp(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined; // missing or half written: not complete
  }
}

export function writeStamp(path, value) {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(value)}\n`);
  renameSync(draft, path);
}

export const clearStamp = (path) => rmSync(path, { force: true });

/** SHA-256 of a file, hex. */
export const fileHash = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');
