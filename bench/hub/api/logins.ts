import { Browser } from '../browser.ts';
import { type Door, signIn } from '../person.ts';
import { quantile } from '../quantile.ts';
import type { SeededKind } from './kinds.ts';
import { type SeededOptions, withSeeded } from './seeded.ts';
import { makeWorld } from './world.ts';

export interface LoginsOptions extends SeededOptions {
  browsers: number;
}

/** How long everybody took who signed in at once, ms. */
export interface LoginsRow {
  hub: string;
  browsers: number;
  /** Who did not come to their home page, with why. */
  failed: string[];
  p50: number;
  p95: number;
  max: number;
}

const PATIENCE_MS = 120_000;
/** As many sign in before, and are not counted. */
const WARM = 20;

/** Everybody at once: the form, posting it, and the home page, through the hub's own proxy. */
export async function logins(kind: SeededKind, { browsers, ...seeded }: LoginsOptions): Promise<LoginsRow> {
  const world = makeWorld(browsers + WARM, 0);
  return await withSeeded(kind, world, seeded, async ({ start }) => {
    await using hub = await start();
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const all = (names: string[]) => Promise.all(names.map((name) => one(hub.door, name, signal)));
    await all(world.people.slice(browsers));
    const visits = await all(world.people.slice(0, browsers));
    const times = visits.map(({ ms }) => ms);
    return {
      hub: kind.title,
      browsers,
      failed: visits.flatMap(({ problem }) => problem ?? []),
      p50: quantile(times, 0.5),
      p95: quantile(times, 0.95),
      max: quantile(times, 1),
    };
  });
}

async function one(door: Door, name: string, signal: AbortSignal): Promise<{ ms: number; problem?: string }> {
  using browser = new Browser(door.origin, signal);
  const began = performance.now();
  try {
    await signIn(browser, door, name, `${door.hub}home`);
    const home = await browser.get(`${door.hub}home`);
    const ms = performance.now() - began;
    if (home.status === 200 && home.body.includes(name)) return { ms };
    return { ms, problem: `the home page: ${home.status}` };
  } catch (error) {
    return { ms: performance.now() - began, problem: (error as Error).message };
  }
}
