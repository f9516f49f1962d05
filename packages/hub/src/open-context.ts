import { join } from 'node:path';
import { type Clock, type HelperClient, Secret, systemClock } from '@atrium/sdk';
import type { Logger } from 'pino';
import { openCertificateBook } from './acme/book.ts';
import { acmeOf } from './acme/watch.ts';
import { openBoard } from './announcements/board.ts';
import { ConfigError, type LoadedConfig } from './config/load.ts';
import type { AppContext } from './context.ts';
import { openDatabase } from './db/open.ts';
import { openEventLog } from './eventlog/eventlog.ts';
import { takeConfiguredGroups } from './groups/groups.service.ts';
import { createVitals } from './http/vitals.ts';
import { hubKeyOf } from './hub-key.ts';
import { hubIdOf } from './installation.repo.ts';
import { deriveKeys, randomId } from './keys.ts';
import { createMetrics } from './metrics/metrics.ts';
import { postgresWakeups } from './pg-wakeups.ts';
import { pluginStore } from './plugins/plugin-store.repo.ts';
import { openRoles } from './roles/roles.service.ts';
import { appliedRoutes } from './routes/applied.ts';
import { openServiceMenu } from './services/menu.ts';
import { takeConfiguredServices } from './services/services.service.ts';
import { makeUrls } from './urls.ts';
import { keepHostsApart } from './users/users.service.ts';
import { localWakeups } from './wakeups.ts';

export interface ContextOptions {
  loaded: LoadedConfig;
  /** Lasting files, absolute. */
  dataDir: string;
  /** Sockets and short-lived files, absolute and short. */
  runDir: string;
  /** What servers get as `JUPYTERHUB_API_URL`: no trailing slash. */
  apiUrl: string;
  log: Logger;
  clock?: Clock;
  /**
   * Under which name this hub holds leases. The one that takes a dead hub's place, when it is certain that that is dead,
   * takes its name too, and need not wait until those leases end. By default a name of its own.
   */
  instanceId?: string | undefined;
  /** Ends the whole: the supervisor that runs this hub, and with it the proxy. */
  shutdown?: (() => void) | undefined;
  /** Runs verbs as root, for the named plug-in of this installation. */
  helper?: ((plugin: string, hubId: string) => HelperClient) | undefined;
}

/**
 * Everything a hub needs, without listening or acting: for the command, tests and scripts.
 * @throws HubError `misconfigured` in words for the operator.
 */
export async function openContext(options: ContextOptions): Promise<AppContext & AsyncDisposable> {
  const { loaded, dataDir, runDir, log } = options;
  const { config } = loaded;
  const clock = options.clock ?? systemClock;
  const opened = await openDatabase(databaseOf(loaded, dataDir));
  try {
    const hubId = await hubIdOf(opened.db);
    await takeConfiguredGroups({ config, db: opened.db, clock });
    const keys = deriveKeys(hubKeyOf(config.hubKey, dataDir));
    const urls = makeUrls(config.basePath, config.subdomainHost);
    if (config.subdomainHost !== undefined) keepHostsApart(opened.db);
    await takeConfiguredServices({ config, db: opened.db, clock, keys, urls });
    const pluginContext = (kind: string, id: string) => ({
      hubId,
      dataDir,
      runDir,
      clock,
      log: log.child({ plugin: id }),
      store: pluginStore(opened.db, `${kind}-${id}`),
      helper: options.helper?.(id, hubId),
    });
    const { authenticator: auth, spawner: spawn } = config;
    const authenticator = await auth.create(loaded.options.authenticator, pluginContext('auth', auth.id));
    // Its passwords are stored by the name in the form; changing one would be another account's.
    if (authenticator.accounts && Object.keys(config.usernameMap).length > 0) {
      throw new ConfigError([`usernameMap: Not with ${auth.id}, which keeps accounts by their own names`]);
    }
    const spawner = await spawn.create(loaded.options.spawner, pluginContext('spawner', spawn.id));
    const wakeups = opened.url ? await postgresWakeups(opened.url, log) : localWakeups();
    const instanceId = options.instanceId ?? randomId();
    const applied = appliedRoutes({ clock, wakeups, instanceId, others: opened.dialect === 'postgres' });
    const eventLog = openEventLog(config.eventLog.file, clock, log);
    return {
      config,
      db: opened.db,
      dialect: opened.dialect,
      clock,
      log,
      hubId,
      instanceId,
      keys,
      urls,
      wakeups,
      vitals: createVitals(clock),
      appliedRoutes: applied,
      metrics: createMetrics(config.metrics.prefix, clock.now()),
      eventLog,
      authenticator: Object.assign(authenticator, { id: auth.id, form: auth.form }),
      spawner: Object.assign(spawner, { id: spawn.id }),
      roles: await openRoles({ config, db: opened.db }),
      serviceMenu: await openServiceMenu(opened.db, urls),
      announcements: await openBoard(opened.db, wakeups, log),
      certificates: acmeOf(config) && (await openCertificateBook(opened.db, keys, wakeups, log)),
      apiUrl: options.apiUrl,
      shutdown: options.shutdown,
      onlyFirstAdmin: spawner.caps.isolation === 'none' && !spawner.caps.isolationAccepted,
      async [Symbol.asyncDispose]() {
        await eventLog[Symbol.asyncDispose]();
        applied[Symbol.dispose]();
        await wakeups[Symbol.asyncDispose]();
        await opened[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

function databaseOf({ config }: LoadedConfig, dataDir: string): string {
  const url = config.database instanceof Secret ? config.database.reveal() : config.database;
  if (url === undefined) return join(dataDir, 'hub.sqlite');
  return url.startsWith('sqlite://') ? url.slice('sqlite://'.length) : url;
}
