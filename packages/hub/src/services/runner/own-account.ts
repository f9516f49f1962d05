import { homedir, userInfo } from 'node:os';
import type { ServiceAccount } from './types.ts';

/** For a runner that is not root: services run as the account it runs as, and as no other. */
export function ownAccount(user: string | undefined): ServiceAccount {
  const own = ownName();
  if (user !== undefined && user !== own) {
    throw new Error(`It shall run as ${user}, which only an Atrium that was started as root can do.`);
  }
  const { SHELL = '/bin/sh' } = process.env;
  return { environment: { HOME: homedir(), USER: own, LOGNAME: own, SHELL } };
}

function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    // An account without an entry in /etc/passwd.
    return String(process.getuid?.() ?? '');
  }
}
