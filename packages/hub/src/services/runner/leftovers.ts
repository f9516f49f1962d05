import { readdirSync, readFileSync } from 'node:fs';

/** What every process of a service carries in its environment, however far it has wandered from us. */
export const MARK = 'ATRIUM_SERVICE';

export const markOf = (hubId: string, name: string) => `${hubId}/${name}`;

/**
 * Ends what runners before this one left when they were killed: the processes that carry this installation's mark, and
 * their children. Linux only; elsewhere there is no way to see them.
 * @param mark `<hubId>/` for all services, or `<hubId>/<name>` with `exact`.
 */
export function endLeftovers(mark: string, { exact = false } = {}): number {
  if (process.platform !== 'linux') return 0;
  let ended = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid || !carries(pid, `${MARK}=${mark}`, exact)) continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
      ended += 1;
    } catch {
      // gone meanwhile
    }
  }
  return ended;
}

function carries(pid: string, pair: string, exact: boolean): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return environment.some((entry) => (exact ? entry === pair : entry.startsWith(pair)));
  } catch {
    // gone, or another account's
    return false;
  }
}
