import type { Chance } from '../../lib/chance.ts';
import { type Kill, PLACES } from './place.ts';

/** How many people are at it at a time. */
const TOGETHER = 8;
/** How far into a story a sample looks. */
const DEEP = 14;

/** What one round is to be. */
export interface Plan {
  story: string;
  /** What others do at the same time. */
  beside: string[];
  kills: Kill[];
  /** Calls that change something whose answers are lost although the hub lives: which ones, counted from 1. */
  drops: number[];
  outageMs: number;
}

/**
 * Draws rounds. Each pair of story and place is gone through from its first effects to its last, then from the first
 * again; `sample` draws from all of them by chance instead.
 */
export interface Deck {
  draw(): Plan;
  /** Says whether the first kill of the plan struck. */
  note(plan: Plan, struck: boolean): void;
}

/** Simulated ms without any hub. */
const OUTAGES = [0, 0, 0, 3_000, 20_000, 90_000, 600_000];

export function deckOf(stories: readonly string[], chance: Chance, sample: boolean): Deck {
  const next = new Map<string, number>();
  const last = new Map<string, number>();
  const one = <T>(list: readonly T[]): T => list[Math.floor(chance.next() * list.length)]!;
  const pairs = stories.flatMap((story) => PLACES.map((place) => ({ story, place })));
  let left: typeof pairs = [];
  const number = (most: number) => 1 + Math.floor(chance.next() * most);
  return {
    draw() {
      // Every pair once before any comes again.
      if (left.length === 0) left = [...pairs];
      const [{ story, place }] = left.splice(Math.floor(chance.next() * left.length), 1) as [(typeof pairs)[number]];
      const key = `${story} ${place}`;
      const nth = sample ? number(Math.min(DEEP, last.get(key) ?? DEEP)) : (next.get(key) ?? number(2));
      const kills: Kill[] = [{ place, nth }];
      while (kills.length < 6 && chance.next() < 0.75) kills.push({ place: one(PLACES), nth: number(DEEP) });
      const drops = chance.next() < 0.35 ? [number(4), number(8)] : [];
      return {
        story,
        beside: Array.from({ length: TOGETHER - 1 }, () => one(stories)),
        kills,
        drops,
        outageMs: one(OUTAGES),
      };
    },
    note({ story, kills: [kill] }, struck) {
      const key = `${story} ${kill!.place}`;
      if (!struck) last.set(key, Math.max(1, kill!.nth - 1));
      // Neighbouring effects are alike: a lap takes every one or every other, the next lap the rest.
      next.set(key, struck ? kill!.nth + number(2) : number(2));
    },
  };
}
