import type { Terminal } from '../cli/command.ts';
import type { Account } from '../files/account.ts';
import type { Places } from '../files/data-dir.ts';
import { prepareDirs } from '../files/prepare.ts';
import type { ChildOptions } from '../process/child.ts';
import type { HubArguments } from '../process/messages.ts';
import { type Children, trackChildren } from './children.ts';
import { type HubChild, type HubListeners, hubChild } from './hub-child.ts';
import { lockDataDir } from './lock.ts';
import { catchSignals, type Signals } from './signals.ts';

export interface UpOptions {
  places: Places;
  /** Looked up for each hub, so that a file made after the start counts from the next restart on. */
  configFile(): string | undefined;
  /** Settings given on the command line. */
  flags: Record<string, unknown>;
  /** Accounts that services may run as, beside the hub's. */
  serviceUsers: readonly string[];
  terminal: Terminal;
}

/** What there is before the supervisor is. */
export interface Begun extends UpOptions {
  account: Account | undefined;
  signals: Signals;
  children: Children;
  childOptions: ChildOptions;
  /** Each hub, the first one too, asks for these. */
  listeners: PromiseWithResolvers<HubListeners>;
  startHub(): Promise<HubChild>;
  /** Was started already, and loads. */
  firstHub: Promise<HubChild>;
}

/**
 * Runs hub and proxy, each in a process of its own, until a signal. The hub takes longest to load, so its process begins
 * first, and only then what is to supervise it is loaded: nothing heavy may be imported here.
 * @throws CommandError when it could not start.
 */
export async function runUp(options: UpOptions): Promise<void> {
  const { places, configFile, flags, terminal } = options;
  const { account, warning } = prepareDirs(places, configFile());
  using _lock = await lockDataDir(places);
  if (warning) terminal.say(`Warning: ${warning}`);
  const signals = catchSignals(process.stdin.isTTY);
  const children = trackChildren();
  signals.onSecondStop(children.killAll);
  const childOptions = { account, cacheDir: places.cacheDir };
  const hubArguments = (): HubArguments => {
    const { dataDir, runDir } = places;
    const file = configFile();
    return { dataDir, runDir, flags, mode: 'serve', ...(file ? { configFile: file } : {}) };
  };
  const listeners = Promise.withResolvers<HubListeners>();
  const startHub = async () => hubChild(children.start('hub-process', hubArguments(), childOptions), listeners.promise);
  const firstHub = startHub();
  // Who waits for it comes later.
  firstHub.catch(() => {});
  try {
    const { runSupervisor } = await import('./supervisor.ts');
    await runSupervisor({ ...options, account, signals, children, childOptions, listeners, startHub, firstHub });
  } finally {
    await children.stopAll();
  }
}
