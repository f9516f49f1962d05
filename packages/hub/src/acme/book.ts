import type { FetchedTls } from '@atrium/sdk';
import type { Logger } from 'pino';
import type { Db } from '../db/types.ts';
import type { Keys } from '../keys.ts';
import type { Wakeups } from '../wakeups.ts';
import { type CertificateState, readFetched, readState } from './acme.repo.ts';

/** What this hub tells proxies of certificates: kept in memory, because every change of a route asks for its version. */
export interface CertificateBook {
  /** Of the last change. */
  readonly version: number;
  readonly fetched: FetchedTls;
  readonly state: CertificateState;
  /** Reads it anew, and tells streams when it changed. */
  refresh(): Promise<void>;
  /** @returns the function that stops listening */
  onChange(listener: () => void): () => void;
}

/** Hears by itself of what other hubs change. */
export async function openCertificateBook(db: Db, keys: Keys, wakeups: Wakeups, log: Logger): Promise<CertificateBook> {
  const listeners = new Set<() => void>();
  const known = { state: await readState(db), fetched: await readFetched(db, keys) };
  const book: CertificateBook = {
    get version() {
      return known.state.version;
    },
    get fetched() {
      return known.fetched;
    },
    get state() {
      return known.state;
    },
    async refresh() {
      // In this order: what is newer than its version is only told once more.
      const state = await readState(db);
      const isNew = state.version !== known.state.version;
      const fetched = isNew ? await readFetched(db, keys) : known.fetched;
      Object.assign(known, { state, fetched });
      if (isNew) for (const listener of listeners) listener();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  wakeups.on('certificates', () => {
    book.refresh().catch((err) => log.warn({ err }, 'certificates not read; will look again'));
  });
  return book;
}
