import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { HUB_UID } from '@atrium/sdk/accounts';

export interface Account {
  uid: number;
  gid: number;
}

const ACCOUNT_NAME = 'atrium';

/** The account that hub and proxy run as when `atrium up` is started as root: `atrium` where it is installed. */
function hubAccount(passwd = '/etc/passwd'): Account {
  const line = readFileSync(passwd, 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${ACCOUNT_NAME}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return line ? { uid: Number(uid), gid: Number(gid) } : { uid: HUB_UID, gid: HUB_UID };
}

/** The first part of the path that the account cannot get through, or the file itself; undefined when it can read it. */
export function unreadableAt(path: string, { uid, gid }: Account): string | undefined {
  const may = (at: string, bit: 0o1 | 0o4) => {
    const stats = statSync(at);
    const shift = stats.uid === uid ? 6 : stats.gid === gid ? 3 : 0;
    return (stats.mode & (bit << shift)) !== 0;
  };
  const real = realpathSync(path);
  const isFolder = statSync(real).isDirectory();
  let blocked = may(real, 0o4) && (!isFolder || may(real, 0o1)) ? undefined : real;
  for (let at = dirname(real); ; at = dirname(at)) {
    if (!may(at, 0o1)) blocked = at;
    if (at === dirname(at)) return blocked;
  }
}

export interface Decision {
  /** What hub and proxy run as; undefined when they stay what we are. */
  account: Account | undefined;
  /** A sentence when they stay root although they should not. */
  warning?: string;
}

/**
 * Which account hub and proxy run as. They give root up wherever the account can read what they run from; `needed` are
 * those files, `dataDirParent` the folder above the data directory.
 */
export function decideAccount(needed: readonly string[]): Decision {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return { account: undefined };
  const account = hubAccount();
  for (const path of needed) {
    const blocked = unreadableAt(path, account);
    if (!blocked) continue;
    const remedy = statSync(blocked).isFile()
      ? `chgrp ${account.gid} ${blocked} && chmod g+r ${blocked}`
      : 'Put Atrium and its data where they can, such as /opt and /var/lib.';
    return {
      account: undefined,
      warning: `Hub and proxy keep running as root, because other accounts cannot read ${blocked}. ${remedy}`,
    };
  }
  return { account };
}
