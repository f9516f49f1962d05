import { usageOf } from '../processes.ts';
import type { SeededKind } from './kinds.ts';
import { type LoadRequest, load, type Rate } from './load.ts';
import { type SeededOptions, withSeeded } from './seeded.ts';
import { makeWorld, type World } from './world.ts';

export interface RatesOptions extends SeededOptions {
  users: number;
  running: number;
  seconds: number;
  warm: number;
}

/** One kind of request, asked as fast as the hub answers. */
export interface RateRow extends Rate {
  hub: string;
  what: string;
  /** Of the hub's CPU for each, ms; its warming up included. */
  cpu: number;
}

const CONNECTIONS = 16;
const PEOPLE_ASKED = 200;

function questions({ people, servers, token }: World): Record<string, LoadRequest[]> {
  const step = Math.max(1, Math.floor(people.length / PEOPLE_ASKED));
  const some = people.filter((_, at) => at % step === 0);
  const get = (path: string): LoadRequest => ({ method: 'GET', path: `/hub/api${path}`, token });
  return {
    'GET /user': [get('/user')],
    'GET /users/<one>': some.map((name) => get(`/users/${name}`)),
    'GET /users?limit=50': [get('/users?limit=50')],
    'POST activity': servers.map(({ user, token: own }) => ({
      method: 'POST',
      path: `/hub/api/users/${user}/activity`,
      token: own,
      body: 'activity',
    })),
  };
}

/** How many requests a second one hub answers. */
export async function rates(kind: SeededKind, options: RatesOptions): Promise<RateRow[]> {
  const { users, running, seconds, warm, ...seeded } = options;
  const world = makeWorld(users, running);
  return await withSeeded(kind, world, seeded, async ({ start }) => {
    await using hub = await start();
    const cpu = () => hub.pids('hub').reduce((sum, pid) => sum + usageOf(pid).cpuMs, 0);
    const rows: RateRow[] = [];
    for (const [what, requests] of Object.entries(questions(world))) {
      const before = cpu();
      const rate = await load({ where: hub.api, requests, connections: CONNECTIONS, seconds, warm });
      rows.push({ hub: kind.title, what, ...rate, cpu: (cpu() - before) / rate.answers });
    }
    return rows;
  });
}
