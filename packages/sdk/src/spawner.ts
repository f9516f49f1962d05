import type { z } from 'zod';
import type { Clock } from './clock.ts';
import type { Fault } from './errors.ts';
import type { HelperClient } from './helper.ts';
import type { Log } from './log.ts';
import type { MaintainAction, MaintainIo } from './maintain.ts';
import type { Meter, Price } from './money.ts';
import type { Secret } from './secret.ts';
import type { SpawnForm } from './spawn-form.ts';
import type { StorageDoor } from './storage-door.ts';
import type { WorkerIo, WorkerRequest } from './worker-door.ts';

/** Anything JSON can carry; what specs, refs and attempts are made of, because they live in a database row. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Who a server is for. */
export interface SpawnUser {
  name: string;
  admin: boolean;
  groups: readonly string[];
  /** The person's own number from the reserved range, theirs for ever. */
  uid: number;
  /** What `nameStorage` answered when the storage was first named; never recomputed. Undefined for a spawner without. */
  storage: string | undefined;
}

/** What was chosen for this start: `user_options` of the contract (§3.7). */
export type Options = { [key: string]: Json };

/** Where a server can be reached. */
export type Address = { kind: 'tcp'; host: string; port: number } | { kind: 'unix'; path: string };

export type ObservedPhase =
  | 'absent' // nothing exists under this ref
  | 'pending' // accepted outside, not begun
  | 'starting' // exists, no address yet
  | 'running' // exists and has an address; whether it answers HTTP is the hub's question
  | 'stopping'
  | 'exited' // ran and ended; `exit` says how
  | 'failed' // could not be made; `fault` says why
  | 'unknown'; // we could not find out. Never treated as absent (architecture §4 rule 3)

export interface Exit {
  code: number | null;
  signal?: string;
  reason?: 'oom' | 'evicted' | 'disk_full' | 'error' | 'stopped';
}

/** One line of progress for the person waiting. `percent` is 0–99; the hub itself says 100. */
export interface ProgressStep {
  percent: number;
  message: string;
}

export interface Observed {
  phase: ObservedPhase;
  address?: Address;
  exit?: Exit;
  fault?: Fault;
  /** Everything reached so far in this start, in order; the hub stores what is new. */
  progress?: readonly ProgressStep[];
  /** Notices that do not end the server: "a kernel ran out of memory". The hub shows each `code`+`at` once. */
  notices?: readonly { code: string; at: number; message: string }[];
  /** What this server costs as far as this look saw it; the ledger keeps what is new (money.ts). */
  meters?: readonly Meter[];
  /** While it starts: nothing is to be seen for so long, ms; `WorkerServer.wake` may come before. Without it, the hub's own pace. */
  againMs?: number;
}

/** What a running server and everything it started use now. */
export interface ServerUsage {
  memoryBytes: number;
  /** Null: no limit, or it is not known. */
  memoryLimitBytes: number | null;
  /** Since the server began; the hub makes a rate of two looks. Null where nobody counts. */
  cpuSeconds: number | null;
}

/** A process that has loaded the servers' program, and that starts are forked from. */
export interface WarmTemplate {
  id: string;
  /** The program that it has loaded. */
  command: string;
  state: 'scouting' | 'loading' | 'ready' | 'unsafe' | 'failed';
  pid: number | null;
  /** Its own share of what it holds; the rest is its servers'. */
  memoryBytes: number | null;
  ageSeconds: number | null;
  modules: number | null;
  /** Why it is not ready, or what was left out. */
  detail: string;
}

/** How quick starts are made, by a spawner that can fork them from a template. */
export interface WarmReport {
  setting: 'warm' | 'cold';
  templates: WarmTemplate[];
  /** Since this hub's process began; cold ones by their reason. */
  starts: { warm: number; cold: Record<string, number> };
  /** Null where starts are warm, or will be in a moment. */
  off: { reason: string; message: string; advice: string } | null;
}

/** Something outside that carries our labels. */
export interface Owned<Ref> {
  ref: Ref;
  hubId: string;
  serverId: string;
  generation: number;
  observed: Observed;
}

export interface StopHow {
  /** How long a polite stop may take before the hub calls again with `force`. */
  graceMs: number;
  force: boolean;
}

/** Small values a plug-in keeps in the hub's database, under its own id. */
export interface Store {
  get(key: string): Promise<Json | undefined>;
  put(key: string, value: Json): Promise<void>;
  delete(key: string): Promise<void>;
  /** Puts the value if the key has none. False when it has: of several callers, in several hubs, one gets true. */
  claim(key: string, value: Json): Promise<boolean>;
  /** Replaces exactly what `get` answered. False when it has changed since, or is gone. */
  swap(key: string, seen: Json, value: Json): Promise<boolean>;
  /** Everything whose key begins with `prefix`, by key. */
  entries(prefix: string): Promise<readonly (readonly [key: string, value: Json])[]>;
}

/** What every call gets: the only doors to the outside that a plug-in may count on after a crash. */
export interface Io {
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the call's result is no longer wanted (cancel, shutdown, deadline). */
  readonly signal: AbortSignal;
  readonly store: Store;
}

/** `Io` of a call about one server. */
export interface ServerIo extends Io {
  readonly server: {
    readonly id: string;
    readonly generation: number;
    readonly user: string;
    /** '' for the default server. */
    readonly name: string;
    /** `{base}user/<name>/[<server>/]`, starts and ends with a slash. */
    readonly prefix: string;
  };
  /**
   * The environment of contract §1.1 without `JUPYTERHUB_SERVICE_URL` (the plug-in knows the address) and without
   * the token. Same for a start that is resumed after a crash.
   */
  readonly env: Readonly<Record<string, string>>;
  /** The server's token, 32 hex characters, derived from (hub key, server, generation): the same after a crash. */
  readonly token: Secret;
  /** What `save` last stored for this generation. */
  readonly attempt: Json | undefined;
  /** Commits an attempt before the outside call it describes, so that recovery replays that attempt. */
  save(attempt: Json): Promise<void>;
}

export interface Capabilities {
  /** `list()` sees everything that is ours. */
  list: boolean;
  watch: boolean;
  /** A stopped server keeps its compute and is resumed. */
  resume: boolean;
  address: 'tcp' | 'unix';
  /** False: a person's home can be used by one of their servers at a time. Default true. */
  sharedHome?: boolean;
  /** Limits it enforces on this machine, now. */
  limits: readonly ('memory' | 'cpu' | 'tasks' | 'disk')[];
  /** Whether one user's server is kept from another's files and processes. `none` needs the config to say so. */
  isolation: 'full' | 'partial' | 'none';
  /** The config asks for no isolation in so many words; otherwise `none` lets only the first administrator in. */
  isolationAccepted?: boolean;
  /** One sentence per thing that is not in force on this machine; shown at start-up, by `doctor` and on the admin page. */
  warnings: readonly string[];
}

/**
 * A spawner: every step idempotent and returning at once; waiting and deadlines are the controller's (architecture §4).
 * `Spec` and `Ref` are JSON values committed to the row before the first outside call.
 */
export interface Spawner<Spec extends Json = Json, Ref extends Json = Json> {
  readonly caps: Capabilities;
  /** Names the person's storage the first time they start; stored, then handed back as `user.storage` for ever. Pure. */
  nameStorage?(user: Omit<SpawnUser, 'storage'>): string;
  /** Config + profile + choices → a frozen spec. Pure. Throws SpawnFault for choices that cannot be. */
  resolve(user: SpawnUser, options: Options): Spec;
  /** Deterministic name of what will exist outside. No I/O. */
  identify(serverId: string, generation: number): Ref;
  /** One idempotent step towards running; returns at once. Throws SpawnFault when it cannot work. */
  ensure(ref: Ref, spec: Spec, io: ServerIo): Promise<Observed>;
  observe(ref: Ref, io: Io): Promise<Observed>;
  /** Gone counts as success (`absent` or `exited`). */
  stop(ref: Ref, how: StopHow, io: Io): Promise<Observed>;
  /** Removes what is left of one start (`compute`). */
  destroy(ref: Ref, io: Io): Promise<void>;
  /** Deletes a person's storage for good. Only ever called for an explicit deletion. */
  destroyStorage?(storage: string, io: Io): Promise<void>;
  list(io: Io): AsyncIterable<Owned<Ref>>;
  watch?(io: Io): AsyncIterable<Owned<Ref> | 'resync'>;
  /** The newest `lines` lines of output, oldest first. Empty when there is none. */
  logs?(ref: Ref, lines: number, io: Io): Promise<readonly string[]>;
  /** What each of these uses, in their order; null where that is not known. Only asked while an administrator looks. */
  usage?(refs: readonly Ref[], io: Io): Promise<readonly (ServerUsage | null)[]>;
  /** How many starts were forked from a template, and what templates there are. */
  warm?(): Promise<WarmReport>;
  /** The choices offered before a start. Pure. Without it there are none, and any `user_options` are passed on unseen. */
  form?(user: SpawnUser): SpawnForm;
  /** What a start of this spec costs. Pure. Without it servers cost nothing. */
  price?(spec: Spec): Price;
  /** When a server of this spec ends by itself, in seconds; null: as for everybody. Pure. */
  ending?(spec: Spec): { stopAfter: number | null; maxAge: number | null };
  /** Everything that costs money now or did since the last hour, whoever it is for. */
  meters?(io: Io): AsyncIterable<Meter>;
  /**
   * Upkeep that belongs to no single start: repairs, spares, snapshots, tiers. Called about once a minute by one hub at
   * a time; must be safe to cut off anywhere. With `dryRun` it changes nothing and says what it would do.
   */
  maintain?(io: MaintainIo): Promise<readonly MaintainAction[]>;
  /** Sizes, snapshots and restores of people's storage. */
  readonly storage?: StorageDoor;
  /**
   * Answers machines of our own, which have no token yet. Throws HubError; the plug-in itself decides whom it believes.
   * An object with a number `wait` in it is sent as 202: not yet, ask again after so many seconds.
   */
  worker?(request: WorkerRequest, io: WorkerIo): Promise<Json>;
}

/** What a plug-in is given when it is made. Making it has no side effects beyond reading the machine. */
export interface PluginContext {
  /** Labels everything created outside. */
  readonly hubId: string;
  /** Lasting files of this installation, absolute. */
  readonly dataDir: string;
  /** Short-lived files and sockets, absolute and short (socket paths end at 107 bytes). */
  readonly runDir: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
  /** Calls this plug-in's verbs in the root helper; undefined when the hub was not started as root. */
  readonly helper: HelperClient | undefined;
}

/** How the hub starts and stops servers: its setting `start`, by the same names. Durations as in the configuration. */
export interface StartDefaults {
  /** How many servers start at the same time. */
  concurrency?: number;
  timeout?: string;
  answerTimeout?: string;
  stopTimeout?: string;
}

export interface SpawnerDefinition<Config extends z.ZodType, Spec extends Json, Ref extends Json> {
  /** `process`, `docker`, …; appears in the database and in metrics. */
  id: string;
  config: Config;
  /** What holds with this spawner where the configuration says nothing: machines take longer than processes. */
  start?: StartDefaults;
  create(config: z.output<Config>, context: PluginContext): Spawner<Spec, Ref> | Promise<Spawner<Spec, Ref>>;
}

/** The SDK generation a plug-in was built for; the hub refuses another. */
export const SDK_VERSION = 1;

/** A plug-in with its options, as it stands in a config file. Parsed and made by the hub, never at import. */
export interface ConfiguredSpawner {
  readonly kind: 'spawner';
  readonly sdk: number;
  readonly id: string;
  readonly config: z.ZodType;
  readonly options: unknown;
  readonly start?: StartDefaults;
  create(config: unknown, context: PluginContext): Promise<Spawner>;
}

/** Makes a spawner plug-in: call the result with options in `atrium.config.ts`. */
export function defineSpawner<Config extends z.ZodType, Spec extends Json, Ref extends Json>(
  definition: SpawnerDefinition<Config, Spec, Ref>,
): (options?: z.input<Config>) => ConfiguredSpawner {
  return (options) => ({
    kind: 'spawner',
    sdk: SDK_VERSION,
    id: definition.id,
    config: definition.config,
    options: options ?? {},
    ...(definition.start && { start: definition.start }),
    // The hub parses `options` with `config` first, so the value has the definition's own type.
    create: async (config, context) =>
      (await definition.create(config as z.output<Config>, context)) as unknown as Spawner,
  });
}
