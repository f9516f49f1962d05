/** Whose server this is, on this machine. */
export interface Account {
  login: string;
  uid: number;
  /** The hub's name for the person, any characters; only shown. */
  name: string;
  /** May become root. */
  root: boolean;
}

export interface Volume {
  volume: string;
  fresh: boolean;
  /** Where it is, when the hub knows; only a machine made of folders believes it. */
  device?: string | undefined;
}

export interface ServerSpec {
  account: Account;
  home: string;
  command: readonly [string, ...string[]];
  /** Complete; holds the server's token. Never to be logged, and never an argument of a program. */
  env: Readonly<Record<string, string>>;
}

export type ServerState =
  | { state: 'running' }
  | { state: 'exited'; code: number | null; log: string }
  | { state: 'absent' };

/** What a look at the running programs of the server says. */
export interface ProcessLook {
  /** CPU seconds used so far by programs other than the server itself, kernels and terminals included. */
  cpuSeconds: number;
  /** The same, of programs with a terminal only. */
  terminalCpuSeconds: number;
  /** A kernel's main thread computes, sleeps or waits for a child: anything but waiting for the next message. */
  kernelAtWork: boolean;
}

export interface Usage {
  /** 0–1, since the last look. */
  cpu: number;
  memory: { used: number; total: number };
  disk: { used: number; total: number };
}

/**
 * What the agent does to the machine it runs on. Two implementations: Linux with systemd and EBS volumes, and folders
 * with child processes. Every function may be called again after it was cut off.
 */
export interface Machine {
  /** Stays the same through hibernation, differs after every boot. */
  bootId(): Promise<string>;
  /** @throws StartFault when the account cannot be made. */
  makeAccount(account: Account): Promise<void>;
  /**
   * Waits for the volume, formats it only when it is blank *and* fresh, grows the file system to the volume, mounts it
   * and gives it to the account. Answers the home folder. Without a volume a folder on the root disk.
   * @throws StartFault when there is no volume in time or it must not be formatted.
   */
  openHome(account: Account, volume: Volume | undefined, say: (message: string) => void): Promise<string>;
  /** Grows the home's file system to its volume; nothing when it fills it already. */
  growHome(): Promise<void>;
  /** Mounts a second volume to read; answers its folder. */
  openCopy(volume: Volume): Promise<string>;
  closeCopy(volume: Volume): Promise<void>;
  /** Starts the server; a server that runs with this environment already is left alone. */
  startServer(spec: ServerSpec): Promise<void>;
  server(): Promise<ServerState>;
  /** Politely, then by force after `graceMs`. */
  stopServer(graceMs: number): Promise<void>;
  processes(): Promise<ProcessLook | undefined>;
  usage(home: string): Promise<Usage>;
  flush(): Promise<void>;
  powerOff(): Promise<void>;
  /** The agent ends: lets go of what cannot outlive it. */
  release(): Promise<void>;
}
