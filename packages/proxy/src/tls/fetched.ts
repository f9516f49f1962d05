import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CertificateText, Clock, Log } from '@atrium/sdk';
import { writeWhole } from '../whole-file.ts';
import { type CertificateFiles, readPair } from './pair.ts';
import { ensureSelfSigned, type SelfSignedOptions } from './self-signed.ts';

const SOON_MS = 30 * 86_400_000;

/** A certificate that comes from an ACME authority: the hub fetches it, or the proxy itself where it stands alone. */
export interface FetchedOptions {
  /** Where the last one is kept, with its key (mode 0600): served from the start, also while no hub answers. */
  file: string;
  /** What is served until the first one is there. */
  fallback: SelfSignedOptions;
}

/** The file to serve from: as it is, or with a self-signed certificate in it when there is none that can be served. */
export async function startingFile(
  { file, fallback }: FetchedOptions,
  clock: Clock,
  log: Log,
): Promise<CertificateFiles> {
  const files = { cert: file, key: file };
  if (await isGood(files, clock.now())) return files;
  const own = await ensureSelfSigned(fallback, clock.now());
  const [chain, key] = await Promise.all([own.cert, own.key].map((path) => readFile(path, 'utf8')));
  await keep(file, { chain: chain!, key: key! });
  log.warn({}, 'no certificate has been fetched yet: browsers get a self-signed one until then');
  return files;
}

/**
 * Puts a certificate into the file, whole or not at all. False when it is there already.
 * @throws CertificateError for one that could not be served: what is there stays
 */
export async function keep(file: string, { chain, key }: CertificateText): Promise<boolean> {
  const text = `${key.trim()}\n${chain.trim()}\n`;
  const known = (await readFile(file, 'utf8').catch(() => '')) === text;
  // The same with the wrong mode, say, is written again.
  if (known && (await readPair({ cert: file, key: file }).catch(() => undefined))) return false;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeWhole(file, text, (draft) => readPair({ cert: draft, key: draft }));
  return true;
}

/** One of an authority is served also when its time is over: it is the way to everybody's server. */
async function isGood(files: CertificateFiles, now: number): Promise<boolean> {
  try {
    const { selfSigned, notAfter } = await readPair(files);
    return !selfSigned || notAfter - now > SOON_MS;
  } catch {
    return false;
  }
}
