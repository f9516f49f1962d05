import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Log } from '@atrium/sdk';
import { KeptError } from '../stand-alone/acme/file-store.ts';
import { startStandAlone } from '../stand-alone/start.ts';
import { CertificateError } from '../tls/pair.ts';
import { planOf, type RunPlan } from './command-line.ts';
import { LineFile } from './line-file.ts';
import { lineLog } from './log.ts';
import { helpText } from './options.ts';
import { UsageError } from './usage.ts';

// Whoever read what is written here may be gone (EPIPE); the proxy is not there for them.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const SECRETS = [
  ...['CONFIGPROXY_AUTH_TOKEN', 'CONFIGPROXY_ACME_EAB_KEY'],
  ...['CONFIGPROXY_SSL_KEY_PASSPHRASE', 'CONFIGPROXY_API_SSL_KEY_PASSPHRASE'],
];

try {
  const plan = planOf(process.argv.slice(2), process.env);
  // Programs that it runs get what is left: none has to know these.
  for (const name of SECRETS) delete process.env[name];
  if (plan.kind === 'help') process.stdout.write(`${helpText()}\n`);
  else if (plan.kind === 'version') process.stdout.write(`${version()}\n`);
  else await run(plan);
} catch (err) {
  process.stderr.write(`atrium-proxy: ${wordsOf(err)}\n`);
  if (err instanceof UsageError) process.stderr.write('atrium-proxy --help shows all options.\n');
  process.exitCode = 1;
}

async function run({ options, level, accessLog: accessPath, pidFile, warnings }: RunPlan): Promise<void> {
  const log = lineLog(level, (line) => void process.stdout.write(line));
  const accessLog = accessPath === undefined ? undefined : openAccessLog(accessPath, log);
  for (const warning of warnings) log.warn({}, warning);
  const proxy = await startStandAlone({ ...options, accessLog, log });
  // A second signal ends the process at once: nobody listens to it any more.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      log.warn({ signal }, 'ending');
      void proxy.close().then(() => accessLog?.flush());
    });
  }
  const { renewCertificate } = proxy;
  if (renewCertificate) {
    const onFailure = (err: Error) => log.error({ err }, 'the certificate could not be asked for');
    process.on('SIGUSR2', () => void renewCertificate().catch(onFailure));
  }
  const { listening, api, metrics, redirect } = proxy;
  log.info(
    { target: options.defaultTarget ?? 'none' },
    `listening at ${options.tls || options.acme ? 'https' : 'http'}://${listening.name}`,
  );
  log.info(
    { file: options.stateFile ?? 'none' },
    `routes are set at ${options.apiTls ? 'https' : 'http'}://${api.name}/api/routes`,
  );
  if (metrics) log.info({}, `figures are at http://${metrics.name}/metrics`);
  if (redirect) log.info({}, `browsers that come to http://${redirect.name} are sent on`);
  if (pidFile === undefined) return;
  try {
    writeFileSync(pidFile, String(process.pid));
  } catch (err) {
    await proxy.close();
    throw new UsageError(`--pid-file: ${(err as Error).message}`);
  }
  process.on('exit', () => rmSync(pidFile, { force: true }));
}

/** Opened anew on SIGHUP, which programs that rotate logs send after they renamed it. */
function openAccessLog(path: string, log: Log): LineFile {
  let file: LineFile;
  try {
    file = new LineFile(path === '-' ? undefined : path);
  } catch (err) {
    throw new UsageError(`--access-log: ${(err as Error).message}`);
  }
  process.on('SIGHUP', () => {
    try {
      file.reopen();
    } catch (err) {
      log.error({ err, path }, 'the access log could not be opened anew; it goes on in the old file');
    }
  });
  return file;
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}

/** What went wrong, for a person; a bug keeps its stack. */
function wordsOf(err: unknown): string {
  if ([UsageError, KeptError, CertificateError].some((kind) => err instanceof kind)) return (err as Error).message;
  const { code, message, address, port, stack } = err as NodeJS.ErrnoException & { address?: string; port?: number };
  // Node says -1 for the port of a Unix socket.
  const isPath = port === undefined || port < 0;
  const where = isPath ? address : `port ${port}${address ? ` at ${address}` : ''}`;
  if (code === 'EADDRINUSE' && isPath) return `${where} is there: another program listens at it, or it is no socket.`;
  if (code === 'EADDRINUSE') return `Another program listens at ${where}.`;
  if (code === 'EACCES') return `This account may not listen at ${where ?? message}.`;
  if (code === 'EADDRNOTAVAIL') return `${where} is no address of this machine.`;
  return code === undefined ? (stack ?? message) : message;
}
