import { setTimeout as delay } from 'node:timers/promises';
import { askRunning } from '../cli/ask.ts';
import { CommandError, defineCommand } from '../cli/command.ts';
import { findDataDir, type Places, placesOf } from '../files/data-dir.ts';
import { RESTART_SIGNAL, UPGRADE_SIGNAL } from '../up/signals.ts';
import { notRunningText, readState, type State } from '../up/state.ts';
import { signalSupervisor } from './down.ts';

/** How long nothing may happen: longer than the supervisor waits for one process. How many there are, it says in its state. */
const SILENCE_MS = 120_000;
const POLL_MS = 50;

export const restart = defineCommand({
  name: 'restart',
  usage: 'atrium restart [--proxy]',
  summary: 'Put a new hub in the place of the running one, with the configuration as it is now',
  details:
    "For a changed configuration or an upgrade. The proxy stays, so no connection to anybody's server is cut. A hub " +
    'whose configuration is wrong is refused, and the old one goes on. Address and port change with the next atrium up. ' +
    'With --proxy, the proxy is replaced instead, with what the running hub knows of the configuration: no connection is ' +
    'refused, and those that are open may last as long as the setting drain says.',
  options: {
    proxy: { type: 'boolean', summary: 'Replace the proxy, not the hub' },
  },
  async run({ values }) {
    const places = placesOf(findDataDir(values['data-dir']));
    const before = readState(places);
    if (!before) throw new CommandError(`${notRunningText(places)} To start it: atrium up`);
    if (values.proxy) return restartProxy(places, before);
    const { hubPid } = before;
    const isNew = (now: State) => now.hubPid !== undefined && now.hubPid !== hubPid;
    await restarted(places, before, RESTART_SIGNAL, isNew, 'hub');
    const answer = await askRunning(places, 'status', {});
    if (!answer.ok) throw new CommandError(answer.message);
    return { json: { restarted: true }, text: 'The hub is restarted.' };
  },
});

async function restartProxy(places: Places, before: State) {
  if (!before.proxyPids) {
    throw new CommandError('The Atrium that runs cannot do that yet: stop it (atrium down), and start it anew.');
  }
  const isNew = ({ upgradedAt = 0 }: State) => upgradedAt > (before.upgradedAt ?? 0);
  await restarted(places, before, UPGRADE_SIGNAL, isNew, 'proxy');
  return { json: { restarted: true }, text: 'The proxy is restarted.' };
}

/** Asks for it, and waits until it is done. */
async function restarted(
  places: Places,
  before: State,
  signal: typeof RESTART_SIGNAL | typeof UPGRADE_SIGNAL,
  isNew: (now: State) => boolean,
  what: 'hub' | 'proxy',
): Promise<void> {
  signalSupervisor(before.pid, signal);
  let [seen, until] = ['', 0];
  for (; ; await delay(POLL_MS)) {
    const now = readState(places);
    if (!now) throw new CommandError(`Atrium ended before its ${what} was restarted.`);
    const { refused, hubPid, proxyPids } = now;
    if (refused && refused.at > (before.refused?.at ?? 0)) throw new CommandError(refused.problem);
    if (isNew(now)) return;
    const processes = JSON.stringify([hubPid, proxyPids]);
    if (processes !== seen) [seen, until] = [processes, Date.now() + SILENCE_MS];
    if (Date.now() > until) throw new CommandError(`The ${what} did not restart in time. What it says: atrium doctor`);
  }
}
