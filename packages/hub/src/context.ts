import type { Authenticator, Clock, Spawner } from '@atrium/sdk';
import type { Logger } from 'pino';
import type { CertificateBook } from './acme/book.ts';
import type { AnnouncementBoard } from './announcements/board.ts';
import type { HubConfig } from './config/schema.ts';
import type { Db } from './db/types.ts';
import type { EventLog } from './eventlog/eventlog.ts';
import type { Vitals } from './http/vitals.ts';
import type { Keys } from './keys.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { RoleBook } from './roles/roles.service.ts';
import type { AppliedRoutes } from './routes/applied.ts';
import type { ServiceMenu } from './services/menu.ts';
import type { Urls } from './urls.ts';
import type { Wakeups } from './wakeups.ts';

/** Everything a feature may reach: built once by `createHub`, disposed once, passed along, never global. */
export interface AppContext {
  readonly config: HubConfig;
  readonly db: Db;
  readonly dialect: 'sqlite' | 'postgres';
  readonly clock: Clock;
  readonly log: Logger;
  /** Of the installation; labels everything created outside. Kept in the database. */
  readonly hubId: string;
  /** Of this process; owns leases. New at each start. */
  readonly instanceId: string;
  readonly keys: Keys;
  readonly urls: Urls;
  readonly wakeups: Wakeups;
  /** How this process does: who is connected, how late the controller is. */
  readonly vitals: Vitals;
  /** Which version of the routes the proxies have. */
  readonly appliedRoutes: AppliedRoutes;
  /** What is counted and measured, for Prometheus. */
  readonly metrics: Metrics;
  /** Starts and stops in JupyterHub's event schema, where the config wants them. */
  readonly eventLog: EventLog;
  readonly authenticator: Authenticator & { readonly id: string; readonly form: import('zod').ZodType };
  readonly spawner: Spawner & { readonly id: string };
  /** Every role, and who has it. */
  readonly roles: RoleBook;
  /** Services that pages lead to. */
  readonly serviceMenu: ServiceMenu;
  /** What every page tells, for a time. */
  readonly announcements: AnnouncementBoard;
  /** What proxies are told of certificates; undefined where the hub fetches none. */
  readonly certificates: CertificateBook | undefined;
  /** `JUPYTERHUB_API_URL` for servers: `http://127.0.0.1:<port>{base}hub/api`, no trailing slash. */
  readonly apiUrl: string;
  /** Isolation is not in force and the config did not ask for that: only the first administrator may sign in. */
  readonly onlyFirstAdmin: boolean;
  /** Ends this installation's hub and proxy, and nothing starts them again; undefined where nobody can. */
  readonly shutdown?: (() => void) | undefined;
}
