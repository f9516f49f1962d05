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
  let served = await stampOf(tls.files);
  /** Renewals write one file after the other: what is still wrong at the next look is a mistake, and told once. */
  let bad: { stamp: string; isTold: boolean } | undefined;
  while (!signal.aborted) {
    await clock.sleep(everyMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    const stamp = await stampOf(tls.files);
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

/** Which versions of the files are there. Follows links, as renewals move them. */
async function stampOf(files: readonly string[]): Promise<string> {
  const stamps = await Promise.all(
    files.map((path) =>
      stat(path).then(
        ({ dev, ino, size, mtimeMs }) => `${dev}.${ino}.${size}.${mtimeMs}`,
        () => 'gone',
      ),
    ),
  );
  return stamps.join(' ');
}
