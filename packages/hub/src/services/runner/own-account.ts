import { homedir, userInfo } from 'node:os';
import type { ServiceAccount } from './types.ts';

/** For a runner that is not root: services run as the account it runs as, and as no other. */
export function ownAccount(user: string | undefined): ServiceAccount {
  const { username, shell } = own();
  if (user !== undefined && user !== username) {
    throw new Error(`It shall run as ${user}, which only an Atrium that was started as root can do.`);
  }
  return { environment: { HOME: homedir(), USER: username, LOGNAME: username, SHELL: shell ?? '/bin/sh' } };
}

function own(): { username: string; shell: string | null } {
  try {
    return userInfo();
  } catch {
    // An account without an entry in /etc/passwd.
    return { username: String(process.getuid?.() ?? ''), shell: null };
  }
}
