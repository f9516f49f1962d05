import { setTimeout as delay } from 'node:timers/promises';
import { askRunning } from '../cli/ask.ts';
import { CommandError, defineCommand } from '../cli/command.ts';
import { findDataDir, placesOf } from '../files/data-dir.ts';
import { RESTART_SIGNAL } from '../up/signals.ts';
import { notRunningText, readState } from '../up/state.ts';
import { signalSupervisor } from './down.ts';

const RESTART_MS = 30_000;
const POLL_MS = 50;

export const restart = defineCommand({
  name: 'restart',
  usage: 'atrium restart',
  summary: 'Put a new hub in the place of the running one, with the configuration as it is now',
  details:
    "For a changed configuration or an upgrade. The proxy stays, so no connection to anybody's server is cut. A hub " +
    'whose configuration is wrong is refused, and the old one goes on. Address and port change with the next atrium up.',
  options: {},
  async run({ values }) {
    const places = placesOf(findDataDir(values['data-dir']));
    const before = readState(places);
    if (!before) throw new CommandError(`${notRunningText(places)} To start it: atrium up`);
    signalSupervisor(before.pid, RESTART_SIGNAL);
    for (const until = Date.now() + RESTART_MS; ; await delay(POLL_MS)) {
      const { hubPid, refused } = readState(places) ?? {};
      if (refused && refused.at > (before.refused?.at ?? 0)) throw new CommandError(refused.problem);
      if (hubPid !== undefined && hubPid !== before.hubPid) break;
      if (Date.now() > until) throw new CommandError('The hub did not restart in time. What it says: atrium doctor');
    }
    const answer = await askRunning(places, 'status', {});
    if (!answer.ok) throw new CommandError(answer.message);
    return { json: { restarted: true }, text: 'The hub is restarted.' };
  },
});
