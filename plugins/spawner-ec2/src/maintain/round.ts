import type { Json, MaintainAction, MaintainIo, MaintainServer } from '@atrium/sdk';
import type { Ec2Instance } from '../calls/types.ts';
import { Ec2Fault } from '../errors.ts';
import type { HomeRow } from '../homes/home-row.ts';
import { within } from '../homes/storage-door.ts';
import type { InstanceRecord } from '../records.ts';
import { type SpareRow, spareRows } from '../spares/spare-row.ts';
import { activeInstances, restingInstances } from '../survey.ts';
import type { Ec2World } from '../world.ts';

/** The hub's own sweep is half a minute old at most. What is acted on is looked at again first. */
const ACTIVE_AGE_MS = 45_000;
/** Stopped machines: days count for them. */
const RESTING_AGE_MS = 10 * 60_000;

/** Something odd that was seen once is no reason to act. Key `mark/<code>/<id>`: since when it is seen. */
type Mark = { since: number; told: number };
const MARKS = 'mark/';
const TELL_MS = 6 * 3_600_000;

/** One round of upkeep: what is there, what should be, and what is done about the difference. */
export interface Round {
  readonly world: Ec2World;
  readonly io: MaintainIo;
  readonly now: number;
  /** Ours that are not stopped: people's machines and spares. */
  readonly active: readonly Ec2Instance[];
  readonly resting: readonly Ec2Instance[];
  readonly servers: ReadonlyMap<string, MaintainServer>;
  /** By server. */
  readonly records: ReadonlyMap<string, InstanceRecord>;
  /** By instance. */
  readonly tracked: ReadonlyMap<string, InstanceRecord>;
  readonly homes: readonly HomeRow[];
  /** By instance. */
  readonly spares: ReadonlyMap<string, SpareRow>;
  readonly actions: MaintainAction[];
  /** `was stopped`, or in a dry run `would be stopped`. */
  is(done: string): string;
  /**
   * Does one thing and says so; in a dry run only says so. What EC2 refuses is told, and keeps nothing else from being
   * done. @returns whether it was done
   */
  act(action: MaintainAction, work: () => Promise<unknown>): Promise<boolean>;
  /** Does what needs no saying. EC2's refusals are logged. @returns what it gave; undefined when EC2 refused */
  attempt<T>(what: MaintainAction, work: () => Promise<T>): Promise<T | undefined>;
  /** Says what nobody can do anything about here: when it is first seen, and then every six hours. */
  tell(action: MaintainAction, id: string): Promise<void>;
  /** Notes that this is (still) so. @returns how long it has been, ms; undefined when it is seen for the first time. */
  sighted(code: string, id: string): Promise<number | undefined>;
}

/** Looks at everything. The world comes before the rows: what is seen running had its row by then. @throws Ec2Fault */
export async function openRound(base: Ec2World, io: MaintainIo): Promise<Round & { close(): Promise<void> }> {
  const world = within(base, io);
  const { store } = io;
  const options = { signal: io.signal };
  const [active, resting] = [
    (await activeInstances(world, ACTIVE_AGE_MS, options)).found,
    (await restingInstances(world, RESTING_AGE_MS, options)).found,
  ];
  const servers = new Map((await io.servers()).map((row) => [row.id, row]));
  const records = (await store.entries('instance/'))
    .map(([, value]) => value as InstanceRecord)
    .filter(({ cluster }) => cluster === world.cluster.id);
  const marks = new Map((await store.entries(MARKS)).map(([key, value]) => [key, value as Mark]));
  const seen = new Set<string>();
  const now = io.clock.now();
  const actions: MaintainAction[] = [];

  /** @returns the mark as it was before this round */
  async function note(code: string, id: string, told?: number): Promise<Mark | undefined> {
    const key = `${MARKS}${code}/${id}`;
    const mark = marks.get(key);
    seen.add(key);
    if (io.dryRun || (mark && told === undefined)) return mark;
    const next: Mark = { since: mark?.since ?? now, told: told ?? 0 };
    // Of two hubs that see it first at the same moment, one begins to count.
    if (mark || !(await store.claim(key, next as Json))) await store.put(key, next as Json);
    marks.set(key, next);
    return mark;
  }

  async function attempt<T>(what: MaintainAction, work: () => Promise<T>): Promise<T | undefined> {
    io.signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Ec2Fault)) throw error;
      world.log.warn({ code: what.code, api: error.api, err: error }, 'EC2 refused a repair');
      // What passes by itself is tried again in the next round.
      if (!error.retryable)
        actions.push({
          code: `${what.code}_refused`,
          message: `${what.message} AWS refused: ${error.code}.`,
          alert: true,
        });
      return undefined;
    }
  }

  return {
    world,
    io,
    now,
    active,
    // One that has been started since stands in the younger list.
    resting: notIn(resting, active),
    servers,
    records: new Map(records.map((record) => [record.server, record])),
    tracked: new Map(records.flatMap((record) => (record.instanceId ? [[record.instanceId, record] as const] : []))),
    homes: (await store.entries('home/')).map(([, value]) => value as HomeRow),
    spares: new Map((await spareRows(store, world.cluster.id)).map((row) => [row.instanceId, row])),
    actions,
    is: (done) => (io.dryRun ? `would be ${done}` : `was ${done}`),
    async act(action, work) {
      io.signal.throwIfAborted();
      const done = io.dryRun || (await attempt(action, async () => [await work()])) !== undefined;
      if (done) actions.push(action);
      return done && !io.dryRun;
    },
    attempt,
    async tell(action, id) {
      const mark = await note(action.code, id);
      if (mark !== undefined && now - mark.told < TELL_MS && !io.dryRun) return;
      actions.push(action);
      await note(action.code, id, now);
    },
    async sighted(code, id) {
      const mark = await note(code, id);
      return mark && now - mark.since;
    },
    /** What was not seen in a whole round is over. */
    async close() {
      if (io.dryRun) return;
      for (const key of marks.keys()) if (!seen.has(key)) await store.delete(key);
    },
  };
}

function notIn(some: readonly Ec2Instance[], others: readonly Ec2Instance[]): Ec2Instance[] {
  const ids = new Set(others.map(({ id }) => id));
  return some.filter(({ id }) => !ids.has(id));
}

/** Runs `work` for each, a few at a time; stops at the first error. */
export async function eachOf<T>(
  items: readonly T[],
  together: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const one = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: together }, one));
}

/** `3 minutes`, `2 days`: for messages. */
export function span(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  const [n, unit] =
    minutes < 120
      ? [minutes, 'minute']
      : minutes < 2880
        ? [Math.round(minutes / 60), 'hour']
        : [Math.round(minutes / 1440), 'day'];
  return `${n} ${unit}${n === 1 ? '' : 's'}`;
}
