import { flushCompileCache } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { commandRoutes, createHub, openContext, requestIdOfLine, runVerb } from '@atrium/hub';
import type { LoadedConfig } from '@atrium/hub/config';
import { readConfig } from '../files/config-file.ts';
import { placesOf } from '../files/data-dir.ts';
import { openChannel, readArguments } from './channel.ts';
import { watchFirstAdmin } from './first-admin.ts';
import { helperChannel } from './helper-client.ts';
import { openLog } from './log.ts';
import type { FromHub, HubArguments, PublicSettings, ToHub, VerbAnswer } from './messages.ts';
import { serviceChannel } from './service-client.ts';
import { serviceLogs } from './service-logs.ts';
import { tlsSettings } from './tls-settings.ts';

/** Everything we make is ours alone unless it says otherwise: sockets, database, keys. */
process.umask(0o077);
delete process.env.NODE_COMPILE_CACHE;

/** However long closing takes: who waits for us kills us later. */
const END_MS = 8_000;
/** Proxy processes, unless the configuration says how many: one moves more bytes than most installations have. */
const MOST_WORKERS = 4;

const args = readArguments<HubArguments>();
const places = placesOf(args.dataDir, args.runDir);
const closing = new AbortController();
let hub: AsyncDisposable | undefined;
let answerVerb: ((name: string, input: unknown) => Promise<unknown>) | undefined;
const go = Promise.withResolvers<Extract<ToHub, { type: 'go' }>>();

const end = async (status: number) => {
  if (closing.signal.aborted) return;
  closing.abort();
  setTimeout(() => process.exit(status), END_MS).unref();
  try {
    await hub?.[Symbol.asyncDispose]();
  } catch (error) {
    fileLog.log.error({ err: error }, 'closing failed');
  }
  outputs[Symbol.dispose]();
  fileLog[Symbol.dispose]();
  process.exit(status);
};

const channel = openChannel<ToHub, FromHub>(
  (message) => {
    if (message.type === 'go') go.resolve(message);
    else if (message.type === 'stop') void end(0);
    else if (message.type === 'service-event') services.hear(message.event);
    else if (message.type === 'helper-answer') helper.settle(message.id, message.answer);
    else if (message.type === 'verb') void answer(message.id, message.verb, message.input);
  },
  () => void end(0),
);
const helper = helperChannel((request) => channel.send({ type: 'helper', ...request }));
const services = serviceChannel((message) => channel.send(message));
const outputs = serviceLogs(places.logDir);
const fileLog = openLog(join(places.logDir, 'hub.log'), 'hub', 'warn', requestIdOfLine);

process.on('uncaughtExceptionMonitor', (error) => {
  fileLog.log.fatal({ err: error }, 'the hub cannot go on');
  fileLog[Symbol.dispose]();
});
// A bug in one request's background work must be seen, and is not worth everybody's hub.
process.on('unhandledRejection', (error) => fileLog.log.error({ err: error }, 'unhandled rejection'));

async function answer(id: number, verb: string, input: unknown): Promise<void> {
  const result: VerbAnswer = await Promise.resolve(answerVerb?.(verb, input)).then(
    (value) => ({ ok: true, value }),
    ({ message, code }: Error & { code?: string }) => ({ ok: false, message, ...(code ? { code } : {}) }),
  );
  channel.send({ type: 'result', id, answer: result });
}

async function publicSettings({ config, options }: LoadedConfig): Promise<PublicSettings> {
  const { host, port, basePath, publicUrl, trustedProxies, spawner, redirectPort, workers, drain } = config;
  const { connectionsPerAddress, accessLog } = config;
  const { command, python } = options.spawner as { command?: unknown; python?: unknown };
  return {
    host,
    port,
    basePath,
    ...(publicUrl ? { publicUrl } : {}),
    ...(redirectPort === undefined ? {} : { redirectPort }),
    ...(await tlsSettings(config, places.dataDir, Date.now())),
    trustedProxies,
    connectionsPerAddress,
    accessLog,
    workers: workers ?? Math.min(MOST_WORKERS, availableParallelism()),
    drainMs: drain * 1000,
    needsPython: spawner.id === 'process' && command === undefined && python === undefined,
  };
}

async function main(): Promise<void> {
  const loaded = await readConfig(args.configFile, args.flags);
  channel.send({ type: 'loaded', settings: await publicSettings(loaded) });
  const { apiUrl, root, linkUntil, instanceId } = await go.promise;
  const clientFor = (plugin: string, hubId: string) => {
    channel.send({ type: 'identity', hubId });
    return helper.clientFor(plugin);
  };
  const { dataDir, runDir } = places;
  const shutdown = () => channel.send({ type: 'shutdown' });
  const base = { loaded, dataDir, runDir, apiUrl, log: fileLog.log, helper: root && clientFor, instanceId };

  if (args.mode === 'offline') {
    const ctx = await openContext(base);
    hub = ctx;
    answerVerb = (name, input) => runVerb(ctx, name, input);
    return channel.send({ type: 'ready', warnings: [] });
  }
  const serving = await createHub({
    ...base,
    shutdown,
    control: commandRoutes,
    services,
    serviceOutput: outputs.write,
  });
  hub = serving;
  await serving.listen({ path: places.hubSocket });
  await serving.listenControl({ path: places.controlSocket });
  serving.startController();
  channel.send({ type: 'ready', warnings: serving.ctx.spawner.caps.warnings });
  const show = (link: { path: string; expiresAt: number }) => channel.send({ type: 'first-admin', ...link });
  void watchFirstAdmin(serving.ctx, show, linkUntil, closing.signal);
  flushCompileCache();
}

main().catch((error: Error) => {
  const known = ['ConfigError', 'HubError', 'SpawnFault'].includes(error.name);
  fileLog.log.info({ err: error }, 'the hub could not start');
  const where = error.name === 'ConfigError' ? 'The configuration cannot be used:\n' : '';
  channel.send({ type: 'failed', problem: known ? where + error.message : (error.stack ?? error.message) });
  void end(1);
});
