import { flushCompileCache } from 'node:module';
import { startProxy } from '@atrium/proxy';
import { systemClock } from '@atrium/sdk';
import { explainPort } from '../up/port.ts';
import { openChannel, readArguments } from './channel.ts';
import { openLog } from './log.ts';
import type { FromProxy, ProxyArguments, ToProxy } from './messages.ts';

process.umask(0o077);
delete process.env.NODE_COMPILE_CACHE;

const { host, port, basePath, api, hubSocket, controlSocket, tableFile, logFile, trustedProxies } =
  readArguments<ProxyArguments>();
// That the hub is gone for a moment is the supervisor's news.
const fileLog = openLog(logFile, 'proxy', 'error');
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
  process.exit(status);
};

const channel = openChannel<ToProxy, FromProxy>(
  () => void end(0),
  () => void end(0),
);

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
    log: fileLog.log,
    clock: systemClock,
  });
  channel.send({ type: 'ready', port: proxy.address.port, apiPort: proxy.apiAddress?.port ?? api.port });
  flushCompileCache();
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException & { port?: number };
  const which = (error as { port?: number }).port ?? port;
  const problem = code ? explainPort(host, which, code, 'Stop it, or choose another with --port.') : message;
  channel.send({ type: 'failed', problem });
  await end(1);
}
