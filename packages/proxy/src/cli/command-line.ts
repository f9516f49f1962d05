import { parseArgs } from 'node:util';
import { trustList } from '@atrium/sdk';
import { isTokenChar } from '../fields.ts';
import type { Where } from '../stand-alone/open.ts';
import type { StandAloneOptions } from '../stand-alone/start.ts';
import { parseTarget, TargetError } from '../stand-alone/target.ts';
import { acmeOptions } from './acme-options.ts';
import { LEVELS, type Level } from './log.ts';
import { OPTIONS, type Values } from './options.ts';
import { stateFileOf } from './state-places.ts';
import { listeningTls, targetTls } from './tls-options.ts';
import { Given, UsageError } from './usage.ts';

/** What the command line asks for. */
export type Plan = { kind: 'help' } | { kind: 'version' } | RunPlan;

export interface RunPlan {
  kind: 'run';
  options: Omit<StandAloneOptions, 'log' | 'accessLog' | 'clock'>;
  level: Level;
  /** Where the access log goes: a path, or `-` for standard output. */
  accessLog: string | undefined;
  pidFile: string | undefined;
  /** What the person should know, one sentence each. */
  warnings: string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_PORT = 8000;
const DEFAULT_API_PORT = 8001;
/** They frame a message, or speak to one hop. */
const NOT_CUSTOM = new Set(['connection', 'content-length', 'transfer-encoding', 'upgrade', 'expect', 'te', 'trailer']);

/** Reads the command line and the environment of configurable-http-proxy. Throws a `UsageError`. */
export function planOf(argv: readonly string[], env: Environment): Plan {
  const given = new Given(valuesOf(argv));
  if (given.flag('help')) return { kind: 'help' };
  if (given.flag('version')) return { kind: 'version' };
  const warnings: string[] = [];

  const listen = whereOf(given, '', '', DEFAULT_PORT);
  const apiPort = 'path' in listen ? DEFAULT_API_PORT : listen.port === 0 ? 0 : listen.port + 1;
  const api = whereOf(given, 'api-', 'localhost', apiPort);
  const metrics = given.has('metrics-port', 'metrics-socket') ? whereOf(given, 'metrics-', '', 0) : undefined;
  const acme = acmeOptions(given, env, listen);
  const tls = acme ? undefined : listeningTls(given, '', env.CONFIGPROXY_SSL_KEY_PASSPHRASE);
  const apiTls = listeningTls(given, 'api-', env.CONFIGPROXY_API_SSL_KEY_PASSPHRASE);
  const towards = targetTls(given);
  if (given.flag('ssl-allow-rc4')) warnings.push('--ssl-allow-rc4: RC4 is broken and is not offered');

  const redirectPort = given.port('redirect-port');
  if (redirectPort !== undefined && !tls && !acme) {
    throw new UsageError(
      '--redirect-port sends browsers to https, which needs --ssl-key and --ssl-cert, or --acme-domain',
    );
  }
  if (redirectPort === undefined && given.has('redirect-to'))
    throw new UsageError('--redirect-to needs --redirect-port');
  if (redirectPort !== undefined && 'path' in listen)
    throw new UsageError('--redirect-port has no port to lead to with --socket');
  const errorTarget = targetOf(given, 'error-target', towards);
  const errorPath = given.filled('error-path');
  if (errorTarget !== undefined && errorPath !== undefined) {
    throw new UsageError('--error-target and --error-path exclude each other');
  }
  const apiToken = env.CONFIGPROXY_AUTH_TOKEN || undefined;
  if (apiToken === undefined) {
    warnings.push('whoever reaches the API may set routes: there is no token in CONFIGPROXY_AUTH_TOKEN');
  }

  const timeout = given.milliseconds('timeout');
  const answerTimeout = least(timeout, given.milliseconds('proxy-timeout'));
  const keepAlive = given.milliseconds('keep-alive-timeout');
  const perAddress = given.count('connections-per-address');
  return {
    kind: 'run',
    level: levelOf(given.text('log-level') ?? 'info'),
    accessLog: given.filled('access-log'),
    pidFile: given.filled('pid-file'),
    warnings,
    options: {
      ...{ listen, api, metrics, tls, acme, apiTls, apiToken, errorTarget, errorPath, targetTls: towards },
      redirect:
        redirectPort === undefined
          ? undefined
          : { host: 'path' in listen ? '' : listen.host, port: redirectPort, toPort: given.port('redirect-to') },
      defaultTarget: targetOf(given, 'default-target', towards),
      hostRouting: given.flag('host-routing'),
      trustedProxies: trustedOf(given),
      stateFile: stateFileOf(given, env, listen),
      limits: {
        ...(timeout !== undefined && { stallTimeoutMs: timeout }),
        ...(answerTimeout !== undefined && { answerTimeoutMs: answerTimeout }),
        ...(keepAlive !== undefined && { idleTimeoutMs: keepAlive }),
        ...(perAddress !== undefined && { connectionsPerAddress: perAddress }),
      },
      prependPath: !given.flag('no-prepend-path'),
      includePrefix: !given.flag('no-include-prefix'),
      xForward: !given.flag('no-x-forward'),
      changeOrigin: given.flag('change-origin'),
      autoRewrite: given.flag('auto-rewrite'),
      protocolRewrite: schemeOf(given),
      customHeaders: customHeadersOf(given.list('custom-header')),
    },
  };
}

function valuesOf(argv: readonly string[]): Values {
  const options = Object.fromEntries(
    Object.entries(OPTIONS).map(([name, { type, short, multiple = false }]) => [
      name,
      { type, multiple, ...(short === undefined ? {} : { short }) },
    ]),
  );
  try {
    return parseArgs({ args: [...argv], options, strict: true }).values as Values;
  } catch (err) {
    const { code, message } = err as NodeJS.ErrnoException;
    const [, named = ''] = /'([^']*)'/.exec(message) ?? [];
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw new UsageError(`There is no option ${named}`);
    if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') throw new UsageError(`${named} is not an option`);
    throw new UsageError(message.split('\n')[0]!);
  }
}

/** @param prefix of the option names */
function whereOf(given: Given, prefix: '' | 'api-' | 'metrics-', host: string, port: number): Where {
  const path = given.filled(`${prefix}socket`);
  const other = (['ip', 'port'] as const).find((name) => given.has(`${prefix}${name}`));
  if (path !== undefined && other) throw new UsageError(`--${prefix}socket and --${prefix}${other} exclude each other`);
  if (path !== undefined) return { path };
  const said = given.text(`${prefix}ip`) ?? host;
  return { host: said === '*' ? '' : said, port: given.port(`${prefix}port`) ?? port };
}

function levelOf(text: string): Level {
  const level = LEVELS.find((one) => one === text.toLowerCase());
  if (!level) throw new UsageError(`--log-level is one of ${LEVELS.join(', ')}, not ${JSON.stringify(text)}`);
  return level;
}

function targetOf(given: Given, name: 'default-target' | 'error-target', tls: StandAloneOptions['targetTls']) {
  const text = given.text(name);
  if (text === undefined) return undefined;
  try {
    parseTarget(text, tls);
    return text;
  } catch (err) {
    if (err instanceof TargetError) throw new UsageError(`--${name}: ${err.message}`);
    throw err;
  }
}

function trustedOf(given: Given): string[] | undefined {
  const list = given
    .text('trusted-proxies')
    ?.split(',')
    .map((entry) => entry.trim());
  const entries = list?.filter((entry) => entry !== '');
  try {
    trustList(entries ?? []);
    return entries;
  } catch (err) {
    throw new UsageError(`--trusted-proxies: ${(err as Error).message}`);
  }
}

function schemeOf(given: Given): string | undefined {
  const scheme = given.text('protocol-rewrite');
  if (scheme !== undefined && !/^https?:?$/.test(scheme))
    throw new UsageError('--protocol-rewrite takes http or https');
  return scheme;
}

function customHeadersOf(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    const known = Object.keys(headers).find((other) => other.toLowerCase() === name.toLowerCase());
    if (colon < 0) throw new UsageError(`--custom-header ${JSON.stringify(line)} has no colon between name and value`);
    if (name === '' || ![...name].every((char) => isTokenChar(char.charCodeAt(0)))) {
      throw new UsageError(`--custom-header: ${JSON.stringify(name)} is not the name of a field`);
    }
    if (NOT_CUSTOM.has(name.toLowerCase())) throw new UsageError(`--custom-header: ${name} is the proxy's own to set`);
    if (!/^[\t -~\x80-\xff]*$/.test(value))
      throw new UsageError(`--custom-header ${name}: its value has characters that no field may have`);
    headers[known ?? name] = value;
  }
  return headers;
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}
