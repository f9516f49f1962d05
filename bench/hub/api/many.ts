import { Client } from 'pg';
import { startCluster } from '../../../tools/postgres-cluster.ts';
import { testPostgres } from '../../../tools/test-machine.ts';
import type { Placing } from '../hub.ts';
import { usageOf } from '../processes.ts';
import { quantile } from '../quantile.ts';
import { seededAtrium } from './kinds.ts';
import { type LoadRequest, load, type Rate } from './load.ts';
import { type SeededHub, withSeeded } from './seeded.ts';
import { FIRST_NAMES, makeWorld, type World } from './world.ts';

export interface ManyOptions extends Placing {
  /** One hub of each size; all of one database run side by side. */
  sizes: Size[];
  /** Turns of each hub for each question. */
  rounds: number;
  /** Of one turn. */
  seconds: number;
  /** Before the first turn of each question. */
  warm: number;
}

interface Size {
  users: number;
  running: number;
}

/** A hub of one size on one database. */
export interface ManyRow {
  database: 'PostgreSQL' | 'SQLite';
  users: number;
  running: number;
  rates: Record<string, Rate>;
  healthy: number;
  /** Bytes of the hub's process: the most it had when it had begun, and at the end. */
  bootRss: number;
  peakRss: number;
}

/** Two letters that many names have, at their front or not, few, and none. */
const TWO_LETTERS = ['ad', 'le', 'sk', 'an', 'er', 'zz', '00', '49', 'vi', 'gr', 'ko', 'qu'];

/** As a person types them: a family, a first name, somebody in particular, a number, and two letters; a fifth each. */
function searches({ people }: World): string[] {
  const step = Math.floor(people.length / TWO_LETTERS.length);
  return TWO_LETTERS.flatMap((two, at) => {
    // Every first and family name is there in a world of any size.
    const [[first = ''], [, family = '']] = [at, at * FIRST_NAMES].map((one) => (people[one] ?? '').split('.')) as [
      string[],
      string[],
    ];
    const [, last = ''] = (people[at * step] ?? '').split('.');
    return [family.replace(/\d+/, ''), `${first}.`, last, last.slice(-5), two];
  });
}

const AFTER_A_CHANGE = 'administration page: a search just after somebody came or went';
const SHOWN = 'sort=name&offset=0&limit=50';

function questions(world: World): Record<string, LoadRequest[]> {
  const { token } = world;
  const get = (path: string): LoadRequest => ({ method: 'GET', path: `/hub/api${path}`, token });
  const texts = searches(world).map(encodeURIComponent);
  return {
    'GET /users?limit=50': [get('/users?limit=50')],
    'GET /users?name_filter=…&limit=50': texts.map((text) => get(`/users?limit=50&name_filter=${text}`)),
    'administration page: first rows': [get(`/atrium/people?${SHOWN}`)],
    'administration page: a search': texts.map((text) => get(`/atrium/people?${SHOWN}&q=${text}`)),
    [AFTER_A_CHANGE]: texts.flatMap((text, at) => [
      { ...get('/users/newcomer'), method: at % 2 === 0 ? 'POST' : 'DELETE', aside: true },
      get(`/atrium/people?${SHOWN}&q=${text}`),
    ]),
  };
}

/** A person who looks something up waits for nobody else's request. */
const CONNECTIONS = 1;

/** Before each further turn, s: the other hub has had the core. */
const AGAIN = 0.5;

/** A hub of one size that runs. */
interface Contender extends Size {
  world: World;
  hub: Awaited<ReturnType<SeededHub['start']>>;
}

/**
 * What it costs Atrium to have many people. The hubs take turns with each question, as the machine's other work comes and
 * goes; the medians of their turns are told.
 */
export async function many({ sizes, rounds, seconds, warm, ...placing }: ManyOptions): Promise<ManyRow[]> {
  const bin = testPostgres();
  if (!bin) throw new Error('This machine has no PostgreSQL; ATRIUM_TEST_POSTGRES_BIN names a folder with one.');
  const cluster = await startCluster(bin);
  try {
    const rows: ManyRow[] = [];
    for (const database of ['PostgreSQL', 'SQLite'] as const) {
      const server = database === 'SQLite' ? undefined : cluster.url;
      rows.push(
        ...(await sideBySide(sizes, placing, server, [], async (hubs) => {
          const boot = hubs.map(({ hub }) => peakOf(hub));
          const rates = await taken(hubs, { rounds, seconds, warm });
          return hubs.map(({ users, running, hub }, at) => ({
            ...{ database, users, running, rates: rates[at] ?? {} },
            ...{ healthy: hub.bootMs, bootRss: boot[at] ?? 0, peakRss: peakOf(hub) },
          }));
        })),
      );
    }
    return rows;
  } finally {
    await cluster.stop();
  }
}

const peakOf = (hub: Contender['hub']): number => Math.max(...hub.pids('hub').map((pid) => usageOf(pid).peakRss));

/** Fills and starts a hub of each size, on this server or on files of their own; all of them run while `scene` does. */
async function sideBySide<T>(
  [size, ...rest]: Size[],
  placing: Placing,
  server: string | undefined,
  open: Contender[],
  scene: (hubs: Contender[]) => Promise<T>,
): Promise<T> {
  if (!size) return await scene(open);
  const world = makeWorld(size.users, size.running);
  const database = server && (await makeDatabase(server, `bench_${size.users}`));
  return await withSeeded(seededAtrium, world, { ...placing, database }, async ({ start }) => {
    if (database !== undefined) await vacuum(database);
    await using hub = await start();
    return await sideBySide(rest, placing, server, [...open, { ...size, world, hub }], scene);
  });
}

/** Every question to every hub, turn by turn. @returns what each of them took, in their order */
async function taken(
  hubs: Contender[],
  { rounds, seconds, warm }: Pick<ManyOptions, 'rounds' | 'seconds' | 'warm'>,
): Promise<Record<string, Rate>[]> {
  const asked = hubs.map(({ world, hub }) => ({
    where: hub.api,
    requests: questions(world),
    rates: {} as Record<string, Rate>,
  }));
  for (const what of Object.keys(asked[0]?.requests ?? {})) {
    const turns = asked.map((): Rate[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const at of round % 2 === 0 ? asked.keys() : [...asked.keys()].reverse()) {
        const { where, requests } = asked[at]!;
        const turn = { where, requests: requests[what] ?? [], connections: CONNECTIONS, seconds };
        turns[at]!.push(await load({ ...turn, warm: round === 0 ? warm : AGAIN }));
      }
    }
    for (const [at, { rates }] of asked.entries()) rates[what] = medianOf(turns[at]!);
  }
  return asked.map(({ rates }) => rates);
}

function medianOf(turns: Rate[]): Rate {
  const median = (of: (turn: Rate) => number) => quantile(turns.map(of), 0.5);
  const sum = (of: (turn: Rate) => number) => turns.reduce((total, turn) => total + of(turn), 0);
  return {
    perSecond: median(({ perSecond }) => perSecond),
    p50: median(({ p50 }) => p50),
    p95: median(({ p95 }) => p95),
    p99: median(({ p99 }) => p99),
    answers: sum(({ answers }) => answers),
    bad: sum(({ bad }) => bad),
    bytes: median(({ bytes }) => bytes),
  };
}

async function makeDatabase(server: string, name: string): Promise<string> {
  await execute(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** As PostgreSQL does by itself within a minute of so many new rows. */
const vacuum = (url: string) => execute(url, 'vacuum analyze');

async function execute(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
