import type { Io } from './spawner.ts';

/** A copy of a home at one time. */
export interface Snapshot {
  id: string;
  at: number;
  sizeGb?: number;
  /** Not yet complete. */
  pending?: boolean;
}

/** One person's lasting storage as it is now. */
export interface StorageInfo {
  sizeGb: number;
  /** `disk`: ready to be used. `archived`: only a snapshot; the next start brings it back and takes minutes. */
  tier: 'disk' | 'archived' | 'none';
  snapshots: readonly Snapshot[];
  /** Dollars a month, null when not known. */
  perMonth: number | null;
  /** A restore or a resize that is under way, in words. */
  busy?: string;
}

/** What a spawner lets people do with their storage. Every call is idempotent; `storage` is what `nameStorage` answered. */
export interface StorageDoor {
  describe(storage: string, io: Io): Promise<StorageInfo>;
  /** A copy of `snapshot` appears as `restored-<date>/` in the home, at the next start or while the server runs. */
  restore?(storage: string, snapshot: string, io: Io): Promise<void>;
  /** Grows only. @throws HubError `bad_request` in words when it cannot be. */
  resize?(storage: string, sizeGb: number, io: Io): Promise<void>;
  /** Takes a snapshot now. */
  snapshot?(storage: string, io: Io): Promise<void>;
}
