/** How long things take, in simulated milliseconds. */
export interface Delays {
  pendingMs: number;
  stoppingMs: number;
  terminatingMs: number;
  attachMs: number;
  detachMs: number;
  creatingMs: number;
  snapshotMs: number;
  imageMs: number;
  modifyVolumeMs: number;
  /** A grown or changed volume may not be changed again for so long. */
  modifyCooldownMs: number;
  /** Restoring a snapshot from the archive tier. */
  restoreMs: number;
  terminatedVisibleMs: number;
  /** Interfaces of a terminated instance hold its group and subnet for so long. */
  eniLingerMs: number;
  /** A fresh thing cannot be found for so long, and its tags for twice that. */
  consistencyMs: number;
  /** Notice before a spot instance is taken. */
  spotNoticeMs: number;
  natMs: number;
}

export const DEFAULT_DELAYS: Delays = {
  pendingMs: 5_000,
  stoppingMs: 15_000,
  terminatingMs: 10_000,
  attachMs: 1_500,
  detachMs: 1_500,
  creatingMs: 1_000,
  snapshotMs: 60_000,
  imageMs: 120_000,
  modifyVolumeMs: 60_000,
  modifyCooldownMs: 6 * 3_600_000,
  restoreMs: 24 * 3_600_000,
  terminatedVisibleMs: 3_600_000,
  eniLingerMs: 120_000,
  consistencyMs: 1_500,
  spotNoticeMs: 120_000,
  natMs: 60_000,
};
