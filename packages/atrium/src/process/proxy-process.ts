import { flushCompileCache } from 'node:module';
import { startProxy } from '@atrium/proxy';
import { systemClock } from '@atrium/sdk';
import { explainPort } from '../up/port.ts';
import { VERSION } from '../version.ts';
import { openChannel, readArguments } from './channel.ts';
import { openLog } from './log.ts';
import { LogFile } from './log-file.ts';
import type { FromProxy, ProxyArguments, ToProxy } from './messages.ts';

process.umask(0o077);
delete process.env.NODE_COMPILE_CACHE;

const args = readArguments<ProxyArguments>();
const { host, port, basePath, api, hubSocket, controlSocket, tableFile, logFile, accessLogFile } = args;
const { trustedProxies, connectionsPerAddress, tls, redirect } = args;
// That the hub is gone for a moment is the supervisor's news.
const fileLog = openLog(logFile, 'proxy', 'error');
const accessLog = accessLogFile === undefined ? undefined : new LogFile(accessLogFile);
let proxy: Awaited<ReturnType<typeof startProxy>> | undefined;
let ending = false;
/** Longer than the proxy lets requests finish, shorter than the supervisor's patience. */
const END_MS = 8_000;

const end = async (status: number) => {
  if (ending) return;
  ending = true;
  setTimeout(() => process.exit(status), END_MS).unref();
  await proxy?.close();
  fileLog[Symbol.dispose]();
  accessLog?.flush();
  process.exit(status);
};

const leave = async (deadlineMs: number) => {
  await proxy?.leave({ deadlineMs });
  await end(0);
};

let ticketKeys: Buffer | undefined;

const handle = (message: ToProxy): void => {
  if (message.type === 'leave') void leave(message.deadlineMs);
  else if (message.type === 'stop') void end(0);
  else {
    ticketKeys = Buffer.from(message.keys, 'base64');
    proxy?.setTicketKeys(ticketKeys);
  }
};

const channel = openChannel<ToProxy, FromProxy>(handle, () => void end(0));

try {
  proxy = await startProxy({
    host,
    port,
    basePath,
    api,
    hub: { kind: 'unix', path: hubSocket },
    control: { kind: 'unix', path: controlSocket },
    tableFile,
    trustedProxies,
    limits: { connectionsPerAddress },
    ...(accessLog && { accessLog }),
    version: VERSION,
    fds: args.fds,
    awaitRoutes: args.awaitRoutes,
    ...(tls && { tls }),
    ...(redirect && { redirect }),
    log: fileLog.log,
    clock: systemClock,
  });
  if (ticketKeys) proxy.setTicketKeys(ticketKeys);
  channel.send({
    type: 'ready',
    port: proxy.address.port,
    apiPort: proxy.apiAddress?.port ?? api.port,
    certificates: proxy.stats().tls?.certificates ?? [],
  });
  flushCompileCache();
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException & { port?: number };
  const which = (error as { port?: number }).port ?? port;
  const other = which === redirect?.port ? 'redirectPort in the configuration' : '--port';
  const problem = code ? explainPort(host, which, code, `Stop it, or choose another with ${other}.`) : message;
  channel.send({ type: 'failed', problem });
  await end(1);
}
