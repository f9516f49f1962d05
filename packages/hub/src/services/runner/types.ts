/** One process to run. */
export interface ServiceProcess {
  name: string;
  command: readonly string[];
  /** Complete but for what the account decides (`HOME` …). Never printed. */
  environment: Readonly<Record<string, string>>;
  cwd?: string | undefined;
  /** The account it runs as; undefined for that of the hub. */
  user?: string | undefined;
}

/** Exactly what shall run from now on. */
export interface ServiceOrder {
  hubId: string;
  services: readonly ServiceProcess[];
  /** After this many ms without another order all of them are stopped: another hub may run them then. Null: never. */
  leaseMs: number | null;
}

export type ServiceEvent =
  | { kind: 'started'; name: string; pid: number }
  /** It is not running; `againMs` until it is started again, null when it was asked to end. */
  | { kind: 'ended'; name: string; how: string; againMs: number | null }
  /** What it wrote; whole lines, mostly. */
  | { kind: 'output'; name: string; text: string };

export type ServiceListener = (event: ServiceEvent) => void;

/** Runs services, and starts them again when they end. It may live longer than the hub that gives the orders. */
export interface ServiceRunner {
  /** What runs already exactly as ordered goes on undisturbed. */
  settle(order: ServiceOrder): void;
  /** Who hears of it from now on, in place of anybody before; hears first what runs, and what was written meanwhile. */
  listen(listener: ServiceListener): void;
  /** From now on what happens is kept for the next one. */
  unlisten(listener: ServiceListener): void;
}

/** What a process gets from the account it runs as. */
export interface ServiceAccount {
  uid?: number;
  gid?: number;
  environment: Readonly<Record<string, string>>;
}

export interface RunnerOptions {
  /** Where a service runs that says nothing. */
  cwd: string;
  /** Of the computer; services get the language, PATH and Python's part of it. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Throws, with words for the operator, when services may not run as this account. */
  accountOf(user: string | undefined): ServiceAccount;
}
