import { createHash } from 'node:crypto';

const LEGAL = /^[a-z_][a-z0-9_-]{0,31}$/;
/** Accounts that images bring with them, or that mean something to programs. */
const TAKEN = new Set(
  (
    'root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc nobody adm shutdown halt operator ' +
    'ftp ubuntu admin debian ec2-user centos fedora rocky cloud-user atrium jupyter jupyterhub systemd-network ' +
    'systemd-resolve systemd-timesync messagebus sshd ssm-user docker sudo wheel users staff postgres mysql redis chrony dbus'
  ).split(' '),
);

/**
 * The Unix account of a person on their machine: their name where Linux takes it, else as much of it as possible and a
 * hash. Always a legal name, whatever the hub's name holds; never one that the image may have.
 */
export function loginOf(user: string): string {
  if (LEGAL.test(user) && !TAKEN.has(user) && !user.startsWith('systemd-') && !user.startsWith('_')) return user;
  const slug = user
    .normalize('NFKD')
    .toLowerCase()
    .split('@', 1)[0]!
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[-0-9]+|-+$/g, '')
    .slice(0, 20);
  return `${slug || 'user'}-${createHash('sha256').update(user).digest('hex').slice(0, 8)}`;
}
