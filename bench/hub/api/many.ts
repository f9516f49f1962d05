import { Client } from 'pg';
import { startCluster } from '../../../tools/postgres-cluster.ts';
import { testPostgres } from '../../../tools/test-machine.ts';
import type { Placing } from '../hub.ts';
import { usageOf } from '../processes.ts';
import { seededAtrium } from './kinds.ts';
import { type LoadRequest, load, type Rate } from './load.ts';
import { withSeeded } from './seeded.ts';
import { makeWorld, type World } from './world.ts';

export interface ManyOptions extends Placing {
  /** One hub of each size, one after the other. */
  sizes: { users: number; running: number }[];
  seconds: number;
  warm: number;
}

/** A hub of one size on PostgreSQL. */
export interface ManyRow {
  users: number;
  running: number;
  rates: Record<string, Rate>;
  healthy: number;
  /** Bytes of the hub's process: the most it had when it had begun, and at the end. */
  bootRss: number;
  peakRss: number;
}

/** As a person types them: a family, a first name, somebody in particular, a number, and two letters. */
function searches({ people }: World): string[] {
  const step = Math.max(1, Math.floor(people.length / 40));
  return people
    .filter((_, at) => at % step === 0)
    .map((name, at) => {
      const [first = '', last = ''] = name.split('.');
      const family = last.replace(/\d+/, '');
      return [family, `${first}.`, last, last.slice(-5), first.slice(0, 2)][at % 5] ?? name;
    });
}

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
    for (const { users, running } of sizes) {
      const database = await makeDatabase(cluster.url, `bench_${users}`);
      const world = makeWorld(users, running);
      const row = await withSeeded(seededAtrium, world, { ...placing, database }, async ({ start }) => {
        await vacuum(database);
        await using hub = await start();
        const peak = () => Math.max(...hub.pids('hub').map((pid) => usageOf(pid).peakRss));
        const bootRss = peak();
        const rates: Record<string, Rate> = {};
        for (const [what, requests] of Object.entries(questions(world))) {
          rates[what] = await load({ where: hub.api, requests, connections: CONNECTIONS, seconds, warm });
        }
        return { users, running, rates, healthy: hub.bootMs, bootRss, peakRss: peak() };
      });
      rows.push(row);
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
