import { lstat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Observed, ProgressStep } from '@atrium/sdk';
import { exitOf, explain } from './faults.ts';
import { homesDir, launchDir, type Place, type ProcessRef, publishedSocket } from './layout.ts';
import { readTail } from './logs.ts';
import type { Facts } from './look.ts';

/** How much of a log is read to explain an end. */
const EXPLAIN_BYTES = 64 * 1024;

const HOME: ProgressStep = { percent: 10, message: 'The home folder is ready' };
const STARTED: ProgressStep = { percent: 30, message: 'The server process has started' };
const LOADING: ProgressStep = { percent: 50, message: 'Jupyter is loading its extensions' };

/** Facts as the hub wants them. */
export async function toObserved(place: Place, ref: ProcessRef, facts: Facts | undefined): Promise<Observed> {
  if (!facts) return { phase: 'absent' };
  const extra = noticesOf(facts);
  switch (facts.state) {
    case 'unclaimed':
      return { phase: 'pending', progress: [HOME] };
    case 'alive':
      return { ...alive(place, ref, facts, facts.begun ? await progressOf(place, ref, facts) : [HOME]), ...extra };
    default:
      return { ...(await ended(place, ref, facts)), ...extra };
  }
}

function alive(place: Place, ref: ProcessRef, facts: Facts, progress: ProgressStep[]): Observed {
  if (facts.stopAsked) return { phase: 'stopping' };
  if (facts.meta.address === 'tcp' && facts.port !== undefined) {
    return { phase: 'running', address: { kind: 'tcp', host: '127.0.0.1', port: facts.port }, progress };
  }
  if (facts.published) {
    return { phase: 'running', address: { kind: 'unix', path: publishedSocket(launchDir(place, ref)) }, progress };
  }
  return { phase: 'starting', progress };
}

async function progressOf(place: Place, ref: ProcessRef, facts: Facts): Promise<ProgressStep[]> {
  if (facts.published || facts.port !== undefined) return [HOME, STARTED];
  const output = await readTail(place, ref.server, facts.meta.logFrom, 16 * 1024);
  return /extension (was successfully|module)|Extension package/.test(output)
    ? [HOME, STARTED, LOADING]
    : [HOME, STARTED];
}

async function ended(place: Place, ref: ProcessRef, facts: Facts): Promise<Observed> {
  if (facts.stopAsked) return { phase: 'exited', exit: exitOf(facts.exitCode, 'stopped') };
  const { meta, exitCode, kills } = facts;
  const program = meta.command[0] ?? '';
  const fault = explain({
    code: exitCode,
    command: meta.command,
    output: await readTail(place, ref.server, meta.logFrom, EXPLAIN_BYTES),
    kills,
    memoryMb: meta.memoryMb,
    commandExists:
      program.startsWith('/') &&
      (await lstat(program).then(
        () => true,
        () => false,
      )),
    homeFull: await isFull(join(homesDir(place))),
    rebooted: facts.state === 'rebooted',
  });
  const reason = fault?.code === 'out_of_memory' ? 'oom' : fault?.code === 'disk_full' ? 'disk_full' : 'error';
  return { phase: 'exited', exit: exitOf(exitCode, fault && reason), ...(fault ? { fault } : {}) };
}

async function isFull(path: string): Promise<boolean> {
  return statfs(path).then(
    ({ bavail, blocks }) => blocks > 0 && bavail === 0,
    () => false,
  );
}

/** A kernel that was killed while its server lives on: the person sees only a kernel that restarts. */
function noticesOf(facts: Facts): Pick<Observed, 'notices'> {
  if (facts.notices.length === 0) return {};
  const limit = facts.meta.memoryMb ? ` (${facts.meta.memoryMb} MiB)` : '';
  return {
    notices: facts.notices.map(({ at }) => ({
      code: 'kernel_out_of_memory',
      at,
      message: `A kernel or program of this server used more memory than there is for it${limit} and was ended. Its variables are lost; files are kept.`,
    })),
  };
}
