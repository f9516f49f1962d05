import { AgentError } from '../errors.ts';

/** The person's file system as the hub knows it. */
export interface Home {
  volume: string;
  /** Never mounted before: it may be formatted when it is blank. */
  fresh: boolean;
  /** Where it is, in a machine made of folders. */
  device?: string;
  sizeGb: number;
}

/** The hub's answer to a machine that proved itself. */
export interface Session {
  /** A secret; carried by every later call. */
  session: string;
  server: { id: string; generation: number; user: string; name: string; prefix: string };
  uid: number;
  /** Unix account the server runs as. */
  login: string;
  port: number;
  /** Holds the server's token. */
  env: Record<string, string>;
  command: [string, ...string[]];
  /** Address the server listens on. */
  bind: string;
  home: Home | null;
  heartbeatSeconds: number;
  /** ms. */
  leaseUntil: number;
  /** How long after the lease ran out the machine goes off even under running work. */
  hardStopAfterMs: number;
  maxSessionMs: number;
  /** ms, by the hub's clock. */
  serverNow: number;
  studentRoot: boolean;
}

export type Task = { id: string } & (
  | { kind: 'restore'; volume: string; into: string; device?: string }
  | { kind: 'grow' }
  | { kind: 'flush' }
);

export interface Beat {
  leaseUntil: number;
  serverNow: number;
  tasks: Task[];
}

type Fields = Record<string, unknown>;

const fail = (what: string): never => {
  throw new AgentError(`The hub's answer has no usable "${what}".`);
};

function object(value: unknown, what: string): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : fail(what);
}

function text(from: Fields, key: string, pattern = /^[^\0]+$/): string {
  const value = from[key];
  return typeof value === 'string' && pattern.test(value) ? value : fail(key);
}

function number(from: Fields, key: string, least: number, most: number): number {
  const value = from[key];
  return typeof value === 'number' && Number.isFinite(value) && value >= least && value <= most ? value : fail(key);
}

const DAY_MS = 86_400_000;
const YEAR_9999 = 253_402_300_799_000;
const LOGIN = /^[a-z_][a-z0-9_-]{0,31}$/;
const VOLUME = /^vol-[0-9a-z-]{1,64}$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Reads the answer to `hello`. Everything that later becomes a path, an account or a command is checked here. */
export function parseSession(body: unknown): Session {
  const given = object(body, 'session');
  const server = object(given.server, 'server');
  const env = object(given.env, 'env');
  for (const [name, value] of Object.entries(env))
    if (!VARIABLE.test(name) || typeof value !== 'string' || value.includes('\0')) fail(`env.${name}`);
  const command = given.command;
  if (
    !Array.isArray(command) ||
    command.length === 0 ||
    !command.every((arg) => typeof arg === 'string' && !arg.includes('\0')) ||
    !command[0]
  )
    fail('command');
  return {
    session: text(given, 'session', /^[\x21-\x7e]{16,512}$/),
    server: {
      id: text(server, 'id'),
      generation: number(server, 'generation', 0, Number.MAX_SAFE_INTEGER),
      user: text(server, 'user'),
      name: text(server, 'name', /^[^\0]*$/),
      prefix: text(server, 'prefix', /^\/(.*\/)?$/),
    },
    // Below 1000 are the system's own accounts.
    uid: Math.trunc(number(given, 'uid', 1000, 2 ** 31)),
    login: text(given, 'login', LOGIN),
    port: Math.trunc(number(given, 'port', 1, 65_535)),
    env: env as Record<string, string>,
    command: command as [string, ...string[]],
    bind: text(given, 'bind', /^[0-9a-fA-F.:]+$/),
    home: given.home === null ? null : parseHome(object(given.home, 'home')),
    heartbeatSeconds: number(given, 'heartbeatSeconds', 1, 3600),
    leaseUntil: number(given, 'leaseUntil', 0, YEAR_9999),
    hardStopAfterMs: number(given, 'hardStopAfterMs', 0, 365 * DAY_MS),
    maxSessionMs: number(given, 'maxSessionMs', 1, 10 * 365 * DAY_MS),
    serverNow: number(given, 'serverNow', 0, YEAR_9999),
    studentRoot: given.studentRoot === true,
  };
}

function parseHome(given: Fields): Home {
  return {
    volume: text(given, 'volume', VOLUME),
    fresh: given.fresh === true,
    sizeGb: number(given, 'sizeGb', 0, 65_536),
    ...(typeof given.device === 'string' && given.device ? { device: given.device } : {}),
  };
}

/** Reads the answer to `heartbeat`. A task this agent does not know is left out; the hub sees that it is never done. */
export function parseBeat(body: unknown): Beat {
  const given = object(body, 'heartbeat');
  const tasks = given.tasks === undefined ? [] : given.tasks;
  if (!Array.isArray(tasks)) fail('tasks');
  return {
    leaseUntil: number(given, 'leaseUntil', 0, YEAR_9999),
    serverNow: number(given, 'serverNow', 0, YEAR_9999),
    tasks: (tasks as unknown[]).flatMap((task) => parseTask(object(task, 'tasks'))),
  };
}

function parseTask(given: Fields): Task[] {
  const id = text(given, 'id', /^[\w.:-]{1,128}$/);
  if (given.kind === 'grow' || given.kind === 'flush') return [{ id, kind: given.kind }];
  if (given.kind !== 'restore') return [];
  const volume = text(given, 'volume', VOLUME);
  const into = text(given, 'into', /^restored-[0-9A-Za-z-]{1,64}$/);
  return [{ id, kind: 'restore', volume, into, ...(typeof given.device === 'string' ? { device: given.device } : {}) }];
}

/** How long the hub asks to wait, ms, and what to tell in the log. */
export function parseWait(body: unknown): { ms: number; message: string } {
  const { wait, message } = object(body, 'wait');
  const seconds = typeof wait === 'number' && wait >= 0 ? Math.min(wait, 60) : 2;
  return {
    ms: seconds * 1000,
    message: typeof message === 'string' ? message : 'the hub is not ready for this machine',
  };
}
