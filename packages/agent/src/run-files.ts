import { mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@atrium/sdk';
import { ifMissing } from './errors.ts';
import { parseSession, type Session } from './hub/protocol.ts';

/** Below `<root>/run/atrium`, on a tmpfs: gone with the machine's memory, readable by root alone. */
export interface RunFiles {
  readonly dir: string;
  /** Empties the folder when it is from another boot. Answers what an agent before this one left. */
  open(bootId: string): Promise<{ nonce?: string; session?: Session; since?: number }>;
  saveNonce(nonce: string): Promise<void>;
  saveSession(session: Session, since: number): Promise<void>;
  /** What the watchdog without Node reads: until when the hub lets this machine run. */
  saveLease(leaseUntil: number): Promise<void>;
  /** What was saved last; undefined when the file is not there or damaged. */
  lease(): Promise<number | undefined>;
  saveLimits(limits: { hardStopAfterMs: number; sessionUntil: number }): Promise<void>;
  /** Real work was seen now. */
  markBusy(): Promise<void>;
  isTaskDone(id: string): Promise<string | undefined>;
  markTaskDone(id: string, outcome: string): Promise<void>;
}

export function runFiles(root: string, clock: Clock): RunFiles {
  const dir = join(root, 'run/atrium');
  const at = (name: string) => join(dir, name);

  /** Whole or not at all, with the time of our clock. */
  const write = async (name: string, text: string) => {
    const file = at(name);
    await writeFile(`${file}.new`, text, { mode: 0o600 });
    const now = new Date(clock.now());
    await utimes(`${file}.new`, now, now);
    await rename(`${file}.new`, file);
  };
  const read = (name: string) => readFile(at(name), 'utf8').catch(ifMissing(undefined));

  return {
    dir,
    async open(bootId) {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      if ((await read('boot-id')) !== bootId) {
        // Not the folder itself: the simulator's marker of the boot and mounts may be in it.
        for (const name of [
          'lease',
          'limits',
          'busy',
          'nonce',
          'session.json',
          'server.launch',
          'server.uid',
          'looks',
          'tasks',
        ])
          await rm(at(name), { recursive: true, force: true });
        await write('boot-id', bootId);
        await write('booted', '');
      }
      const nonce = await read('nonce');
      const saved = await read('session.json').then((text) => (text ? parseSaved(text) : undefined));
      return { ...(nonce ? { nonce } : {}), ...saved };
    },
    saveNonce: (nonce) => write('nonce', nonce),
    saveSession: (session, since) => write('session.json', JSON.stringify({ session, since })),
    saveLease: (leaseUntil) => write('lease', String(Math.floor(leaseUntil))),
    async lease() {
      const until = Number(await read('lease'));
      return until > 0 ? until : undefined;
    },
    saveLimits: ({ hardStopAfterMs, sessionUntil }) =>
      write('limits', `${Math.floor(hardStopAfterMs / 1000)} ${Math.floor(sessionUntil / 1000)}`),
    markBusy: () => write('busy', ''),
    isTaskDone: (id) => read(join('tasks', id)),
    async markTaskDone(id, outcome) {
      await mkdir(at('tasks'), { recursive: true });
      await write(join('tasks', id), outcome);
    },
  };
}

function parseSaved(text: string): { session: Session; since: number } | undefined {
  try {
    const { session, since } = JSON.parse(text) as { session: unknown; since: unknown };
    return typeof since === 'number' ? { session: parseSession(session), since } : undefined;
  } catch {
    return undefined;
  }
}
