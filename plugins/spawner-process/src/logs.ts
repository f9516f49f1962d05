import { constants } from 'node:fs';
import { type FileHandle, open, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { holdDir, ifMissing, isRoot, logsDir, type Place } from './layout.ts';

/** A new start begins a new file beyond this size. */
const ROTATE_AT_START = 2 * 1024 * 1024;
/** A running server's log is copied away and emptied beyond this size. */
export const ROTATE_RUNNING = 10 * 1024 * 1024;

export const logFile = (place: Place, server: string) => join(logsDir(place), `${server}.log`);

/** Opens a server's log for a new start. Appending only, so that emptying it while it is written to works. */
export async function openLog(place: Place, server: string): Promise<{ handle: FileHandle; size: number }> {
  await using logs = await holdDir(logsDir(place), 0o750, place.hubGid);
  const path = logs.join(`${server}.log`);
  const before = await stat(path).catch(ifMissing(undefined));
  if (before && before.size > ROTATE_AT_START) await rename(path, `${path}.1`);
  const handle = await open(
    path,
    constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW,
    0o640,
  );
  if (isRoot()) await handle.chown(0, place.hubGid);
  await handle.chmod(0o640);
  return { handle, size: (await handle.stat()).size };
}

/**
 * Keeps a running server's log in bounds; what is written between copy and cut is lost. Only its end is kept: the server
 * holds the file open and can make it as long as it likes, with holes that a copy would fill.
 */
export async function rotateLog(place: Place, server: string): Promise<void> {
  await using logs = await holdDir(logsDir(place), 0o750, place.hubGid);
  const path = logs.join(`${server}.log`);
  await using handle = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  const { size } = await handle.stat();
  const length = Math.min(size, ROTATE_RUNNING);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
  await writeFile(`${path}.1`, buffer.subarray(0, bytesRead), { mode: 0o640 });
  await handle.truncate(0);
}

export async function logSize(place: Place, server: string): Promise<number> {
  return (await stat(logFile(place, server)).catch(ifMissing(undefined)))?.size ?? 0;
}

/** The end of what a start has written: at most `bytes`, from `from` on. A log that was cut since begins at 0. */
export async function readTail(place: Place, server: string, from: number, bytes: number): Promise<string> {
  const handle = await open(logFile(place, server), 'r').catch(ifMissing(undefined));
  if (!handle) return '';
  try {
    const { size } = await handle.stat();
    const begin = Math.max(size < from ? 0 : from, size - bytes);
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(Math.max(0, size - begin)),
      0,
      Math.max(0, size - begin),
      begin,
    );
    const text = buffer.subarray(0, bytesRead).toString('utf8');
    // A cut line says less than none.
    return begin > (size < from ? 0 : from) ? text.slice(text.indexOf('\n') + 1) : text;
  } finally {
    await handle.close();
  }
}
