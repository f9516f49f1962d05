import { readFileSync } from 'node:fs';
import { ownAccount, type ServiceAccount } from '@atrium/hub/services';
import type { Account } from '../files/account.ts';

/**
 * Whom services run as: the hub's account; another one where whoever started us as root allowed it. The hub is not
 * asked: it could name any.
 * @param account The hub's, when it is not ours.
 * @param home Of the hub's account.
 */
export function serviceAccounts(account: Account | undefined, allowed: readonly string[], home: string) {
  return (user: string | undefined): ServiceAccount => {
    if (user !== undefined && allowed.includes(user) && process.getuid?.() === 0) return accountNamed(user);
    if (!account) return ownAccount(user);
    if (user !== undefined) {
      throw new Error(`It shall run as ${user}, which nobody allowed: atrium up --service-user ${user}`);
    }
    return { ...account, environment: { HOME: home, USER: 'atrium', LOGNAME: 'atrium', SHELL: '/bin/sh' } };
  };
}

function accountNamed(user: string, passwd = '/etc/passwd'): ServiceAccount {
  const line = readFileSync(passwd, 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${user}:`));
  if (!line) throw new Error(`It shall run as ${user}, an account that this machine does not have.`);
  const [, , uid, gid, , home = '/', shell] = line.split(':');
  if (Number(uid) === 0) throw new Error('No service runs as root.');
  const environment = { HOME: home, USER: user, LOGNAME: user, SHELL: shell || '/bin/sh' };
  return { uid: Number(uid), gid: Number(gid), environment };
}
