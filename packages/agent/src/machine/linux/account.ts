import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifMissing, StartFault } from '../../errors.ts';
import type { Account } from '../machine.ts';
import { run } from '../run.ts';

/** The person's name for the comment field of /etc/passwd, where colons, commas and control characters have a meaning. */
export const comment = (name: string): string => name.replace(/[:,=\\\p{C}]/gu, ' ').slice(0, 100);

/**
 * Makes the account that the hub chose for this person: names are the hub's business, so e-mail addresses and capitals
 * never get here. An account that is there already must have the same number.
 */
export async function makeAccount(root: string, account: Account): Promise<void> {
  const { login, uid, name } = account;
  const passwd = await readFile(join(root, 'etc/passwd'), 'utf8').catch(ifMissing(''));
  const lines = passwd.split('\n').map((line) => line.split(':'));
  const same = lines.find(([known]) => known === login);
  if (same && same[2] !== String(uid))
    throw new StartFault('config', 'account_taken', `The machine's image already has an account called ${login}.`);
  const other = lines.find(([known, , number]) => number === String(uid) && known !== login);
  if (other)
    throw new StartFault(
      'config',
      'account_taken',
      `The machine's image already has an account with the number ${uid}.`,
    );
  const groups = await readFile(join(root, 'etc/group'), 'utf8').catch(ifMissing(''));
  const owner = groups
    .split('\n')
    .map((line) => line.split(':'))
    .find(([, , number]) => number === String(uid))?.[0];
  // groupadd would quietly take another number, and the person would be in a group of the image.
  if (owner !== undefined && owner !== login)
    throw new StartFault('config', 'account_taken', `The machine's image already has a group with the number ${uid}.`);
  const where: string[] = root === '/' ? [] : ['--root', root];
  if (!same) {
    await run(['groupadd', ...where, '--force', '--gid', String(uid), login]);
    const home = ['--no-create-home', '--home-dir', `/home/${login}`, '--shell', '/bin/bash'];
    await run([
      'useradd',
      ...where,
      '--uid',
      String(uid),
      '--gid',
      String(uid),
      ...home,
      '--comment',
      comment(name),
      login,
    ]);
  }
  await allowRoot(root, account);
}

/** Root for the person is a profile's choice; taken back when the profile no longer says so. */
async function allowRoot(root: string, { login, root: allowed }: Account): Promise<void> {
  const file = join(root, 'etc/sudoers.d/atrium-person');
  if (!allowed) return rm(file, { force: true });
  await writeFile(file, `${login} ALL=(ALL) NOPASSWD: ALL\n`, { mode: 0o440 });
}
