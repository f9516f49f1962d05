import type { ServiceEvent, ServiceOrder } from '@atrium/hub/services';
import type { CertificateFacts, RedirectOptions, TlsOptions } from '@atrium/proxy';
import type { Json } from '@atrium/sdk';
import type { Account } from '../files/account.ts';

/** What a hub process is told on its command line: no secrets. */
export interface HubArguments {
  dataDir: string;
  runDir: string;
  configFile?: string;
  /** Settings given to `atrium up`; they win over the file. */
  flags: Record<string, unknown>;
  /** `serve` listens; `offline` answers commands on the channel and nothing else. */
  mode: 'serve' | 'offline';
}

/** What the supervisor has to know of the configuration. It never runs the file itself. */
export interface PublicSettings {
  host: string;
  port: number;
  basePath: string;
  publicUrl?: string;
  /** Paths of certificates and keys, never their content. */
  tls?: TlsOptions;
  /** A second port, without TLS, that leads to the first. */
  redirectPort?: number;
  /** Why the certificates cannot be served, in sentences; and what browsers may dislike. */
  tlsProblems: readonly string[];
  tlsWarnings: readonly string[];
  trustedProxies: string[];
  connectionsPerAddress: number;
  accessLog: boolean;
  /** How many proxy processes take what comes. */
  workers: number;
  /** How long connections may last through a proxy process whose place another has taken, ms. */
  drainMs: number;
  /** The servers run from the Python environment in the data directory. */
  needsPython: boolean;
}

export type FromHub =
  /** Everything is loaded and the configuration is good; waits for `go`. */
  | { type: 'loaded'; settings: PublicSettings }
  /** It cannot run; `problem` says why, for a person. */
  | { type: 'failed'; problem: string }
  | { type: 'ready'; warnings: readonly string[] }
  | { type: 'first-admin'; path: string; expiresAt: number }
  | { type: 'identity'; hubId: string }
  /** What services shall run; and that this hub wants to hear of them. Both outlive it. */
  | { type: 'services'; order: ServiceOrder }
  | { type: 'services-listen' }
  /** Everything shall end, as if somebody had sent SIGTERM. */
  | { type: 'shutdown' }
  | { type: 'helper'; id: number; plugin: string; verb: string; input: unknown }
  | { type: 'result'; id: number; answer: VerbAnswer };

export type ToHub =
  /**
   * `root`: there is a root helper. `linkUntil`: the operator has a link for the first administrator until then.
   * `instanceId`: the same for all hubs of one supervisor, which never runs two at a time.
   */
  | { type: 'go'; apiUrl: string; linkUntil: number; root?: Account; instanceId?: string }
  | { type: 'stop' }
  | { type: 'service-event'; event: ServiceEvent }
  | { type: 'helper-answer'; id: number; answer: HelperAnswer }
  | { type: 'verb'; id: number; verb: string; input: unknown };

/** What a root helper's verb came to. A fault travels whole, so that the person waiting sees its words. */
export type HelperAnswer = { ok: true; value: Json } | { ok: false; message: string; code?: string; fault?: Json };

/** What a command verb came to. */
export type VerbAnswer = { ok: true; value: unknown } | { ok: false; message: string; code?: string };

/** What the proxy process is told on its command line. */
export interface ProxyArguments {
  host: string;
  port: number;
  basePath: string;
  api: { host: string; port: number };
  hubSocket: string;
  controlSocket: string;
  tableFile: string;
  logFile: string;
  trustedProxies: string[];
  connectionsPerAddress: number;
  /** Gets a line for each request. */
  accessLogFile?: string;
  tls?: TlsOptions;
  redirect?: RedirectOptions;
  /** Its descriptors of the sockets that the supervisor has bound. */
  fds: { main: number[]; api: number[]; redirect: number[] };
  /** It takes somebody's place or works beside others: it listens once it knows as much as they do. */
  awaitRoutes: boolean;
}

export type FromProxy =
  | { type: 'ready'; port: number; apiPort: number; certificates: readonly CertificateFacts[] }
  | { type: 'failed'; problem: string; code?: string; port?: number };

export type ToProxy =
  | { type: 'stop' }
  /** By which TLS sessions are resumed from now on: base64, a secret that all proxy processes share and nothing else knows. */
  | { type: 'ticket-keys'; keys: string }
  /** Another one has taken its place: it ends once nobody is connected any more, or at the deadline. */
  | { type: 'leave'; deadlineMs: number };
