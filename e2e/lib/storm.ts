import { setTimeout as delay } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import type { ApiClient } from './api-client.ts';
import type { Chance } from './chance.ts';
import { doubledServers, hubProcesses, isRunning } from './processes.ts';

/** One call to the API, as its client saw it. */
export interface Call {
  what: 'start' | 'stop' | 'read';
  user: string;
  /** ms since the epoch */
  from: number;
  to: number;
  /** Status, or the name of what went wrong with the connection. */
  outcome: number | string;
  /** What an error said. */
  said?: string;
}

/** What a storm and everything around it wrote down. */
export interface Storm {
  calls: Call[];
  /** From when until when a hub was being killed (ms since the epoch), and whether it did not serve yet. */
  kills: { at: number; gone: number; young: boolean }[];
  /** From a kill until a hub served again, however many were killed in between; ms since the epoch. */
  outages: { from: number; to: number }[];
  doubles: string[];
}

export interface StormOptions {
  api: ApiClient;
  users: readonly string[];
  kills: number;
  chance: Chance;
  hubId: string;
  dataDir: string;
  /** The hub that serves now. */
  servingHub(): number | undefined;
}

/** Between two looks for a server that runs twice; ms. */
const LOOK_EVERY = 150;
/** The longest pause of a person between two clicks; ms. */
const PAUSE = 300;
/** How long a hub may live that serves, and one that is killed before it does; ms. */
const LIFE = 2_000;
const YOUTH = 600;
/** The part of hubs that are killed young. */
const KILLED_YOUNG = 0.2;
/** Until a killed hub is back; ms. */
const BACK = 15_000;

/** Everybody starts and stops their server all the time, each call at its own moment, while the hub is killed again and again. */
export async function storm(options: StormOptions): Promise<Storm> {
  const { api, users, kills, chance, hubId } = options;
  const result: Storm = { calls: [], kills: [], outages: [], doubles: [] };
  const over = new AbortController();

  const call = async (what: Call['what'], user: string) => {
    const method = { start: 'POST', stop: 'DELETE', read: 'GET' }[what];
    const from = Date.now();
    const note = (outcome: number | string, said?: string) =>
      result.calls.push({ what, user, from, to: Date.now(), outcome, ...(said ? { said } : {}) });
    try {
      const answer = await api(method, `/users/${user}/server`);
      const text = await answer.text();
      note(answer.status, answer.status >= 400 ? text : undefined);
    } catch (error) {
      const { cause, message } = error as Error;
      note((cause as { code?: string } | undefined)?.code ?? message);
    }
  };
  const person = async (user: string) => {
    let running = false;
    while (!over.signal.aborted) {
      // Mostly what makes sense, sometimes a second click on the same button.
      if (chance.next() > 0.15) running = !running;
      await call(running ? 'start' : 'stop', user);
      await delay(chance.next() * PAUSE);
    }
  };
  const reader = async (user: string) => {
    while (!over.signal.aborted) {
      await call('read', user);
      await delay(50);
    }
  };
  const watcher = async () => {
    while (!over.signal.aborted) {
      result.doubles.push(...doubledServers(hubId));
      await delay(LOOK_EVERY);
    }
  };

  const everybody = [...users.map(person), reader(users[0]!), reader(users.at(-1)!), watcher()];
  let down: number | undefined;
  const back = async () => {
    const hub = await nextHub(options, false);
    if (down !== undefined) result.outages.push({ from: down, to: Date.now() });
    down = undefined;
    return hub;
  };
  for (let count = 0; count < kills; count++) {
    // Never two in a row before they serve: the proxy waits for a hub, not for ever.
    const young = result.kills.at(-1)?.young === false && chance.next() < KILLED_YOUNG;
    const hub = young ? await nextHub(options, true) : await back();
    await delay(chance.next() * (young ? YOUTH : LIFE));
    // It may serve by now, or another in its place: whichever runs.
    const [pid = hub] = hubProcesses(options.dataDir);
    const kill = { at: Date.now(), gone: 0, young: pid !== options.servingHub() };
    process.kill(pid, 'SIGKILL');
    await gone(pid);
    result.kills.push({ ...kill, gone: Date.now() });
    down ??= kill.at;
  }
  await back();
  over.abort();
  await Promise.all(everybody);
  return result;
}

/** The hub that serves; with `young`, also one that only begins to. */
function nextHub({ dataDir, servingHub }: StormOptions, young: boolean): Promise<number> {
  return vi.waitFor(
    () => {
      const [pid] = hubProcesses(dataDir);
      if (pid === undefined || (!young && servingHub() !== pid)) throw new Error('The hub did not come back in time');
      return pid;
    },
    { timeout: BACK, interval: 5 },
  );
}

const gone = (pid: number) => vi.waitFor(() => expect(isRunning(pid)).toBe(false), { timeout: 5_000, interval: 2 });
