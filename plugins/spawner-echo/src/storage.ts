import { HubError, type Snapshot, type StorageDoor } from '@atrium/sdk';
import { z } from 'zod';

/** Pretended storage. */
export const EchoStorage = z.strictObject({
  sizeGb: z.int().positive().default(10).describe('Size of new storage.'),
  maxGb: z.int().positive().default(100).describe('How far it can grow.'),
  perGbMonth: z.number().nonnegative().nullable().default(0.08).describe('Dollars; null for a price nobody knows.'),
});
export type EchoStorage = z.output<typeof EchoStorage>;

interface Disk {
  sizeGb: number;
  snapshots: Snapshot[];
  /** Snapshots that were restored, in order. */
  restored: string[];
}

/** Disks by name, as an outside world would have them. */
export type EchoDisks = Map<string, Disk>;

/** A door to storage of which nothing is kept but its size and the names of its snapshots. */
export function storageDoor({ sizeGb, maxGb, perGbMonth }: EchoStorage, disks: EchoDisks): StorageDoor {
  const diskOf = (name: string): Disk => {
    const disk = disks.get(name) ?? { sizeGb, snapshots: [], restored: [] };
    disks.set(name, disk);
    return disk;
  };
  return {
    async describe(name) {
      const disk = diskOf(name);
      return {
        sizeGb: disk.sizeGb,
        tier: 'disk',
        snapshots: [...disk.snapshots],
        perMonth: perGbMonth === null ? null : disk.sizeGb * perGbMonth,
      };
    },
    async snapshot(name, { clock }) {
      const disk = diskOf(name);
      disk.snapshots.push({ id: `${name}-${disk.snapshots.length + 1}`, at: clock.now(), sizeGb: disk.sizeGb });
    },
    async restore(name, snapshot) {
      diskOf(name).restored.push(snapshot);
    },
    async resize(name, wanted) {
      const disk = diskOf(name);
      if (wanted < disk.sizeGb) throw new HubError('bad_request', 'It can only grow.');
      if (wanted > maxGb) throw new HubError('bad_request', `It can be ${maxGb} GB at most.`);
      disk.sizeGb = wanted;
    },
  };
}
