import { type Stats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Server, TlsOptions } from 'node:tls';
import type { Clock, Log } from '@atrium/sdk';

const LOOK_EVERY_MS = 5_000;

/** How a side that listens does TLS. */
export interface ListeningTls {
  /** With the files as they were at the start. */
  readonly options: TlsOptions;
  /** Certificate, key, and who signs those of clients: looked at again and again. */
  readonly files: readonly string[];
  /** Which versions `options` were made from, or older ones (`fileStampsOf`). */
  readonly stamps: string;
  /** With the files as they are now. Throws, for a person, what is wrong with them. */
  read(): TlsOptions;
}

/** Serves from new files as soon as they are whole; connections that are open go on. Until the signal. */
export async function followFiles(
  tls: ListeningTls,
  server: Pick<Server, 'setSecureContext'>,
  { clock, log }: { clock: Clock; log: Log },
  signal: AbortSignal,
  everyMs = LOOK_EVERY_MS,
): Promise<void> {
  let served = tls.stamps;
  /** Renewals write one file after the other: what is still wrong at the next look is a mistake, and told once. */
  let bad: { stamp: string; isTold: boolean } | undefined;
  while (!signal.aborted) {
    await clock.sleep(everyMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    // Before they are read: what is written meanwhile is another version at the next look.
    const stamp = await presentStamps(tls.files);
    if (stamp === served) {
      bad = undefined;
      continue;
    }
    try {
      server.setSecureContext(tls.read());
      served = stamp;
      bad = undefined;
      log.info({ files: tls.files }, 'a new certificate is served');
    } catch (err) {
      const isSame = bad?.stamp === stamp;
      if (isSame && !bad!.isTold) log.error({ err }, 'a new certificate is not taken, the old one is still served');
      bad = { stamp, isTold: isSame };
    }
  }
}

/** Which versions of the files are there, for a start that waits for them. Follows links, as renewals move them. */
export function fileStampsOf(files: readonly string[]): string {
  const look = (path: string) => {
    try {
      return statSync(path);
    } catch {
      return undefined;
    }
  };
  return files.map((path) => stampOf(look(path))).join(' ');
}

/** The same while people are served: nobody waits for a disk that hangs. */
const presentStamps = async (files: readonly string[]): Promise<string> =>
  (await Promise.all(files.map((path) => stat(path).catch(() => undefined)))).map(stampOf).join(' ');

const stampOf = (file: Stats | undefined): string =>
  file ? `${file.dev}.${file.ino}.${file.size}.${file.mtimeMs}` : 'gone';
