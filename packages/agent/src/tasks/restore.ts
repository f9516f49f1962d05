import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../errors.ts';
import type { Task } from '../hub/protocol.ts';
import type { Account, Machine } from '../machine/machine.ts';
import { tryRun } from '../machine/run.ts';

const GB = 1e9;

/**
 * Copies what is on a second volume into a folder of the home. It runs as the person, so it can neither read nor write
 * what they could not. The folder gets its name when the copy is whole; a copy that was cut off begins again.
 * Answers what the person should know.
 */
export async function restore(
  machine: Machine,
  account: Account,
  home: string,
  { volume, into, device }: Extract<Task, { kind: 'restore' }>,
): Promise<string> {
  const as = process.getuid?.() === 0 ? { uid: account.uid, gid: account.uid } : {};
  const source = await machine.openCopy({ volume, fresh: false, device });
  try {
    await checkSpace(source, home);
    const part = join(home, `.${into}.part`);
    await must(['rm', '-rf', '--', part], as);
    await must(['mkdir', '-m', '700', '--', part], as);
    // Reports what it could not read and goes on with the rest.
    const copied = await tryRun(['cp', '-a', '--no-preserve=ownership', '--', `${source}/.`, part], as);
    await must(['rm', '-rf', '--', join(part, 'lost+found'), join(part, '.atrium-filesystem')], as);
    const target = await place(part, home, into, as);
    if (copied.code === 0) return `Your files of that day are in ${target}.`;
    const missed = copied.err.trim().split('\n').length;
    return `Your files of that day are in ${target}; ${missed} could not be copied.`;
  } finally {
    await machine.closeCopy({ volume, fresh: false, device });
  }
}

async function checkSpace(source: string, home: string): Promise<void> {
  // Folders of one disk share its space; only another file system's use is what the copy takes.
  const out = await tryRun(['du', '--summarize', '--block-size=1', '--one-file-system', '--', source]);
  const needed = Number.parseInt(out.out, 10);
  const { bavail, bsize } = await statfs(home);
  const free = bavail * bsize;
  if (needed > free)
    throw new AgentError(
      `The copy needs ${(needed / GB).toFixed(1)} GB and your home has ${(free / GB).toFixed(1)} GB free. Delete something or ask for a larger home.`,
    );
}

/** Gives the copy its name, or the next free one: an older copy is never touched. */
async function place(part: string, home: string, into: string, as: { uid?: number; gid?: number }): Promise<string> {
  for (let n = 1; n < 100; n++) {
    const name = n === 1 ? into : `${into}-${n}`;
    const target = join(home, name);
    // -T: as the name itself, never into a folder that is there; -n: never over something.
    await tryRun(['mv', '-n', '-T', '--', part, target], as);
    if ((await tryRun(['test', '-e', part], as)).code !== 0) return name;
  }
  throw new AgentError(`There are too many folders called ${into}.`);
}

async function must(argv: [string, ...string[]], as: { uid?: number; gid?: number }): Promise<void> {
  const { code, err } = await tryRun(argv, as);
  if (code !== 0) throw new AgentError(`The copy could not be made: ${err.trim().slice(-300)}`);
}
