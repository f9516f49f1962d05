import { Client } from 'pg';
import { startCluster } from '../../../tools/postgres-cluster.ts';
import { testPostgres } from '../../../tools/test-machine.ts';
import type { Placing } from '../hub.ts';
import { usageOf } from '../processes.ts';
import { seededAtrium } from './kinds.ts';
import { type LoadRequest, load, type Rate } from './load.ts';
import { withSeeded } from './seeded.ts';
import { FIRST_NAMES, makeWorld, type World } from './world.ts';

export interface ManyOptions extends Placing {
  /** One hub of each size, one after the other. */
  sizes: { users: number; running: number }[];
  seconds: number;
  warm: number;
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

/** What it costs Atrium to have many people. */
export async function many({ sizes, seconds, warm, ...placing }: ManyOptions): Promise<ManyRow[]> {
  const bin = testPostgres();
  if (!bin) throw new Error('This machine has no PostgreSQL; ATRIUM_TEST_POSTGRES_BIN names a folder with one.');
  const cluster = await startCluster(bin);
  try {
    const rows: ManyRow[] = [];
    for (const database of ['PostgreSQL', 'SQLite'] as const) {
      for (const { users, running } of sizes) {
        const url = database === 'SQLite' ? undefined : await makeDatabase(cluster.url, `bench_${users}`);
        const world = makeWorld(users, running);
        const row = await withSeeded(seededAtrium, world, { ...placing, database: url }, async ({ start }) => {
          if (url !== undefined) await vacuum(url);
          await using hub = await start();
          const peak = () => Math.max(...hub.pids('hub').map((pid) => usageOf(pid).peakRss));
          const bootRss = peak();
          const rates: Record<string, Rate> = {};
          for (const [what, requests] of Object.entries(questions(world))) {
            rates[what] = await load({ where: hub.api, requests, connections: CONNECTIONS, seconds, warm });
          }
          return { database, users, running, rates, healthy: hub.bootMs, bootRss, peakRss: peak() };
        });
        rows.push(row);
      }
    }
    return rows;
  } finally {
    await cluster.stop();
  }
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
