export type Halt = 'stop' | 'terminate' | 'force' | 'hibernate';

/** What a running instance does. Without a runner it boots and does nothing. */
export interface InstanceRunner {
  boot(machine: SimMachine): Promise<void> | void;
  /** After `hibernate` the machine either boots with `resumes`, or is halted for good. */
  halt(machine: SimMachine, how: Halt): Promise<void>;
}

/** A machine as its runner sees it. */
export interface SimMachine {
  readonly instanceId: string;
  /** Of 127.77.0.0/16: can be bound as it is. */
  readonly privateIp: string;
  /** Folder that is the root volume. */
  readonly rootDir: string;
  /** The other attached volumes; each is a folder. */
  volumes(): { volumeId: string; device: string; dir: string }[];
  /** As it was given, decoded. */
  readonly userData?: string;
  /** Endpoint of the metadata service for this machine. */
  readonly imds: string;
  /** True when its root volume has never booted before: user data runs then and only then. */
  readonly firstBoot: boolean;
  /** True when it was hibernated: its memory goes on where it was. */
  readonly resumes: boolean;
  readonly imageId: string;
  /** Adds to what GetConsoleOutput shows. */
  console(text: string): void;
  /** What `systemctl poweroff` in the instance does: stops or terminates it, as it was launched to. */
  powerOff(): Promise<void>;
}
