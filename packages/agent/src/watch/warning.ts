import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';

const NAME = 'THIS-MACHINE-WILL-STOP.txt';

const REASONS = {
  session: 'The longest time a session may take is nearly over.',
  'hub-gone': 'The hub has not answered for a long time, so nobody could be asked.',
  spot: 'Amazon takes this machine back: it was rented cheaply on that condition.',
} as const;

/**
 * Puts a file where the person sees it. The home is theirs: whatever they put under that name is removed, never
 * followed or written to.
 */
export async function warnInHome(home: string, uid: number, why: keyof typeof REASONS, at: number): Promise<void> {
  const file = join(home, NAME);
  await rm(file, { recursive: true, force: true });
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const handle = await open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
  try {
    await handle.writeFile(
      `This machine will stop at ${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC.\n\n${REASONS[why]}\n` +
        'Your files stay. Save your notebooks now; what runs will end, and variables are lost.\n',
    );
    if (process.getuid?.() === 0) await handle.chown(uid, uid);
  } finally {
    await handle.close();
  }
}

export const removeWarning = (home: string): Promise<void> => rm(join(home, NAME), { recursive: true, force: true });
