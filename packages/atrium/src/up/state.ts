import { closeSync, fstatSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { z } from 'zod';
import type { Places } from '../files/data-dir.ts';
import { startTimeOf } from '../files/process-info.ts';
import { writeFileSafely } from '../files/write.ts';

// Loose: another version of Atrium, before or after an upgrade, may have written it.
const State = z.object({
  pid: z.int(),
  startTime: z.string(),
  url: z.string(),
  /** Address it listens on, which flags may have changed. */
  host: z.string().optional(),
  hubPid: z.int().optional(),
  proxyPid: z.int().optional(),
  /** All of them; an Atrium that does not say so cannot replace its proxy. */
  proxyPids: z.array(z.int()).optional(),
  /** When its proxy was replaced last. */
  upgradedAt: z.number().optional(),
  startedAt: z.number(),
  version: z.string(),
  /** Why the last restart kept the old hub, or the old proxy, and when. */
  refused: z.strictObject({ at: z.number(), problem: z.string() }).optional(),
});
/** What a running `atrium up` says about itself. */
export type State = z.output<typeof State>;

/** The `atrium up` that runs on this data directory; undefined when none does, however the last one ended. */
export function readState(places: Places): State | undefined {
  const text = readTrusted(places.stateFile);
  if (text === undefined) return undefined;
  const state = State.safeParse(JSON.parse(text)).data;
  return state && startTimeOf(state.pid) === state.startTime ? state : undefined;
}

/** Why nothing is said about it: another account's Atrium cannot be seen from here. */
export function notRunningText({ dataDir }: Places): string {
  const owner = statSync(dataDir, { throwIfNoEntry: false })?.uid;
  const me = process.getuid?.();
  if (owner === undefined || owner === me) return `Atrium does not run on ${dataDir}.`;
  return `${dataDir} belongs to account ${owner}: only that account sees whether Atrium runs there (sudo -u).`;
}

/** Nothing that the hub's account put there: as root we would signal whatever process it names. */
export function readTrusted(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { uid } = fstatSync(fd);
    return uid === 0 || uid === process.getuid?.() ? readFileSync(fd, 'utf8') : undefined;
  } finally {
    closeSync(fd);
  }
}

export function writeState(places: Places, state: State): void {
  writeFileSafely(places.stateFile, `${JSON.stringify(state)}\n`, 0o644);
}

export function clearState(places: Places): void {
  rmSync(places.stateFile, { force: true });
}
