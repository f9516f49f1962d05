/** What a person or the system asks of a running `atrium up`. */
export interface Signals {
  /** Resolves when it shall end. */
  readonly stop: Promise<void>;
  /** Calls come one after the other, those of `onUpgrade` among them. */
  onRestart(act: () => Promise<void>): void;
  /** The proxy shall be replaced. */
  onUpgrade(act: () => Promise<void>): void;
  /** The same from inside. */
  stopNow(): void;
  /** They are in a hurry. */
  onSecondStop(act: () => void): void;
}

/** What `atrium restart` sends. */
export const RESTART_SIGNAL = 'SIGUSR2';
/** What `atrium restart --proxy` sends. */
export const UPGRADE_SIGNAL = 'SIGUSR1';

/** `hasTerminal`: its closing ends the program, as it ends any; without one, SIGHUP asks for a restart. */
export function catchSignals(hasTerminal: boolean): Signals {
  const stop = Promise.withResolvers<void>();
  let stops = 0;
  let restart: (() => Promise<void>) | undefined;
  let upgrade: (() => Promise<void>) | undefined;
  let hurry = () => {};
  let restarting: Promise<void> = Promise.resolve();
  const onStop = () => {
    stop.resolve();
    stops += 1;
    if (stops > 1) hurry();
  };
  const onRestart = () => {
    if (restart) restarting = restarting.then(restart);
  };
  const onUpgrade = () => {
    if (upgrade) restarting = restarting.then(upgrade);
  };
  process.on('SIGINT', onStop);
  process.on('SIGTERM', onStop);
  process.on('SIGHUP', hasTerminal ? onStop : onRestart);
  process.on(RESTART_SIGNAL, onRestart);
  process.on(UPGRADE_SIGNAL, onUpgrade);
  return {
    stop: stop.promise,
    stopNow: () => stop.resolve(),
    onRestart(act) {
      restart = act;
    },
    onUpgrade(act) {
      upgrade = act;
    },
    onSecondStop(act) {
      hurry = act;
    },
  };
}
