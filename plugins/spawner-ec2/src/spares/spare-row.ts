import type { Json, Store } from '@atrium/sdk';
import type { Attempt } from '../records.ts';

/** Who a spare was given to. */
export type TakenBy = { server: string; generation: number; at: number };

/** A machine kept ready for whoever comes first. Key `spare/<instance>`; gone when it is somebody's, or no more. */
export type SpareRow = {
  cluster: string;
  instanceId: string;
  profile: string;
  zone: string;
  /** When it was made. */
  at: number;
  /** Who has it; from then on it is nobody else's. */
  taken: TakenBy | null;
};

/** Machines that are being made, with all that their call is made with. Key `spares/<token>`. */
export type SpareBatch = Omit<Attempt, 'n' | 'generation'> & {
  cluster: string;
  count: number;
};

export const spareKey = (instanceId: string): string => `spare/${instanceId}`;
export const batchKey = (token: string): string => `spares/${token}`;

export async function spareRows(store: Store, cluster: string): Promise<SpareRow[]> {
  const rows = (await store.entries('spare/')).map(([, value]) => value as SpareRow);
  return rows.filter((row) => row.cluster === cluster);
}

export async function spareBatches(store: Store, cluster: string): Promise<SpareBatch[]> {
  const rows = (await store.entries('spares/')).map(([, value]) => value as SpareBatch);
  return rows.filter((row) => row.cluster === cluster);
}

/** Of several who want it, one gets true. */
export async function claimSpare(store: Store, row: SpareRow, taken: TakenBy): Promise<boolean> {
  return store.swap(spareKey(row.instanceId), row as Json, { ...row, taken } as Json);
}
