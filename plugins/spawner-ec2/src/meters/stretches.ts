import type { Io, Json, Meter } from '@atrium/sdk';

/** Something that costs money now. */
export type Thing = {
  /** The same for the same thing for ever: `i-0abc`, `vol-0abc`. */
  id: string;
  kind: Meter['kind'];
  what: string;
  perHour: number | null;
  /** When this thing, as it is, began; ms. */
  since: number;
  /** It begins once. Otherwise a later `since` is another stretch: a machine that was started again. */
  lasting?: boolean;
  serverId?: string;
  user?: string;
  minimumMs?: number;
};

/** The stretch of a thing that is being counted, or has just ended. Key `meter/<thing>`. */
type Stretch = Thing & { until: number | null };

const PREFIX = 'meter/';
/** What has ended is told for so long: whoever keeps the ledger may have been away. */
const TOLD_MS = 3_600_000;

/** The ledger's key of one stretch. */
const meterOf = ({ id, until, lasting: _, ...thing }: Stretch): Meter => ({
  ...thing,
  key: `${id}@${thing.since}`,
  ...(until !== null && { until }),
});

/**
 * Follows things over the looks at them: a stretch begins when a thing is first seen, ends when it is gone or costs
 * another amount, and keeps its key for as long as it lasts. What is counted stands in the store, so that a hub that
 * takes over ends what another began. `endOf` says when a thing that was not seen has ended;
 * undefined when it has not.
 */
export async function* follow(
  things: readonly Thing[],
  endOf: (id: string, since: number) => Promise<number | undefined>,
  { store, clock, signal }: Pick<Io, 'store' | 'clock' | 'signal'>,
): AsyncIterable<Meter> {
  const now = clock.now();
  const known = new Map(
    (await store.entries(PREFIX)).map(([key, value]) => [key.slice(PREFIX.length), value as Stretch]),
  );
  for (const thing of things) {
    signal.throwIfAborted();
    const stretch = known.get(thing.id);
    known.delete(thing.id);
    const restarted = stretch !== undefined && !thing.lasting && thing.since > stretch.since;
    let next: Stretch;
    if (!stretch) next = { ...thing, until: null };
    else if (restarted) next = { ...thing, until: null };
    else if (stretch.until === null && isSame(stretch, thing)) next = { ...stretch, perHour: thing.perHour };
    else {
      // The same machine for somebody else, or a disk that has grown: it began once already.
      const { minimumMs: _, ...rest } = thing;
      next = { ...rest, since: now, until: null };
    }
    if (stretch && next.since !== stretch.since) {
      const end = restarted ? await endOf(thing.id, stretch.since) : now;
      yield meterOf({ ...stretch, until: stretch.until ?? Math.min(end ?? now, next.since) });
    }
    if (!stretch || next.since !== stretch.since || next.perHour !== stretch.perHour)
      await store.put(`${PREFIX}${thing.id}`, next as Json);
    yield meterOf(next);
  }
  for (const [id, stretch] of known) {
    signal.throwIfAborted();
    const until = stretch.until ?? (await endOf(id, stretch.since));
    yield meterOf({ ...stretch, until: until ?? null });
    if (until === undefined) continue;
    if (stretch.until === null) await store.put(`${PREFIX}${id}`, { ...stretch, until } as Json);
    else if (now - until > TOLD_MS) await store.delete(`${PREFIX}${id}`);
  }
}

/** A stretch goes on while what it is, what it costs and whose it is stay the same; a price may become known. */
function isSame(stretch: Stretch, thing: Thing): boolean {
  return (
    stretch.what === thing.what &&
    (stretch.perHour === thing.perHour || stretch.perHour === null) &&
    stretch.serverId === thing.serverId &&
    stretch.user === thing.user
  );
}
