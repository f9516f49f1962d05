import { setTimeout as delay } from 'node:timers/promises';
import { askRunning } from '../cli/ask.ts';
import { CommandError, defineCommand } from '../cli/command.ts';
import { findDataDir, placesOf } from '../files/data-dir.ts';
import { startTimeOf } from '../files/process-info.ts';
import type { RESTART_SIGNAL, UPGRADE_SIGNAL } from '../up/signals.ts';
import { notRunningText, readState, type State } from '../up/state.ts';

/** Longer than hub and proxy may take each before they are killed. */
const DOWN_MS = 30_000;
const SERVERS_MS = 60_000;
const POLL_MS = 50;

export const down = defineCommand({
  name: 'down',
  usage: 'atrium down [--servers]',
  summary: 'Stop the hub and its proxy',
  details: "People's servers keep running, and the next atrium up takes them over, unless --servers is given.",
  options: { servers: { type: 'boolean', summary: "Stop people's servers too" } },
  async run({ values }) {
    const places = placesOf(findDataDir(values['data-dir']));
    const state = readState(places);
    if (!state) throw new CommandError(notRunningText(places));
    let servers = { stopped: 0, left: [] as string[] };
    if (values.servers) {
      const answer = await askRunning(places, 'servers-stop', { timeoutMs: SERVERS_MS });
      if (!answer.ok) throw new CommandError(answer.message);
      servers = answer.value as typeof servers;
    }
    await endSupervisor(state);
    const left = servers.left.length > 0 ? ` These servers did not stop in time: ${servers.left.join(', ')}.` : '';
    const told = values.servers
      ? `Stopped, with ${servers.stopped} ${servers.stopped === 1 ? 'server' : 'servers'}.${left}`
      : "Stopped. People's servers keep running.";
    return { json: { stopped: true, servers }, text: told, exitCode: left ? 1 : 0 };
  },
});

async function endSupervisor({ pid, startTime }: State): Promise<void> {
  signalSupervisor(pid, 'SIGTERM');
  for (const until = Date.now() + DOWN_MS; startTimeOf(pid) === startTime; await delay(POLL_MS)) {
    if (Date.now() > until) throw new CommandError(`Process ${pid} does not end. What it does: atrium doctor`);
  }
}

/** @throws CommandError when it belongs to another account. */
export function signalSupervisor(pid: number, signal: 'SIGTERM' | typeof RESTART_SIGNAL | typeof UPGRADE_SIGNAL): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    throw new CommandError(`Process ${pid} belongs to another account. Try with sudo.`);
  }
}
