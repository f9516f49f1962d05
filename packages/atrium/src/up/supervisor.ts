import { rmSync } from 'node:fs';
import { CommandError, type Terminal } from '../cli/command.ts';
import type { Places } from '../files/data-dir.ts';
import { prepareDirs } from '../files/prepare.ts';
import { startTimeOf } from '../files/process-info.ts';
import { startChild } from '../process/child.ts';
import type { HubArguments, PublicSettings } from '../process/messages.ts';
import { VERSION } from '../version.ts';
import { chooseApiAddress, keepApiAddress } from './api-address.ts';
import { type HubChild, hubChild } from './hub-child.ts';
import { keepRunning } from './keep.ts';
import { explainPort, probePort } from './port.ts';
import { type ProxyChild, startProxyChild } from './proxy-child.ts';
import { rootHelper } from './root-helper.ts';
import { clearState, lockDataDir, type State, writeState } from './state.ts';
import { addressOf, bindWarning, linkText, readyText } from './words.ts';

export interface UpOptions {
  places: Places;
  configFile: string | undefined;
  /** Settings given on the command line. */
  flags: Record<string, unknown>;
  terminal: Terminal;
}

/**
 * Runs hub and proxy, each in a process of its own, until a signal: SIGINT and SIGTERM end both, SIGHUP replaces the
 * hub. People's servers are not its children and outlive it.
 * @throws CommandError when it could not start.
 */
export async function runSupervisor({ places, configFile, flags, terminal }: UpOptions): Promise<void> {
  const { account, warning } = prepareDirs(places, configFile);
  using _lock = lockDataDir(places);
  if (warning) terminal.say(`Warning: ${warning}`);
  const signals = catchSignals();
  const asked = new AbortController();
  const helper = account && (await rootHelper(places, account));
  const childOptions = { account, cacheDir: places.cacheDir };
  const args: HubArguments = {
    dataDir: places.dataDir,
    runDir: places.runDir,
    flags,
    mode: 'serve',
    ...(configFile ? { configFile } : {}),
  };
  let url = '';
  let linkUntil = 0;
  const onFirstAdmin = (link: { path: string; expiresAt: number }) => {
    linkUntil = link.expiresAt;
    terminal.say(linkText(url, link));
  };
  const startHub = () => hubChild(startChild('hub-process', args, childOptions), { helper, onFirstAdmin });

  const running: { hub?: HubChild; proxy?: ProxyChild } = {};
  const begin = async () => {
    const hub = await startHub();
    running.hub = hub;
    const { settings } = hub;
    if (settings.needsPython) await makePython(places);
    asked.signal.throwIfAborted();
    await checkPort(settings);
    const api = await chooseApiAddress(places.apiAddressFile);
    const apiUrl = `http://${api.address.host}:${api.address.port}${settings.basePath}hub/api`;
    const go = () => ({ apiUrl, linkUntil, ...(account ? { root: account } : {}) });
    const startProxy = () => {
      const port = running.proxy?.port ?? settings.port;
      return startProxyChild(proxyArguments(places, { ...settings, port }, api.address), { ...childOptions, port });
    };
    const proxy = await startProxy();
    running.proxy = proxy;
    if (api.isNew) keepApiAddress(places.apiAddressFile, api.address);
    url = addressOf({ ...settings, port: proxy.port });
    const warnings = [...bindWarning(settings), ...(await hub.go(go()))];
    return { hub, proxy, go, startProxy, warnings };
  };

  const beginning = begin();
  try {
    const started = await Promise.race([beginning, signals.stop.then(() => undefined)]);
    if (!started) return;
    const { go, startProxy, warnings } = started;
    const state: State = {
      pid: process.pid,
      startTime: startTimeOf(process.pid) ?? '',
      url,
      hubPid: started.hub.pid,
      proxyPid: started.proxy.pid,
      startedAt: Date.now(),
      version: VERSION,
    };
    const remember = (change: Partial<State>) => writeState(places, Object.assign(state, change));
    remember({});
    for (const each of warnings) terminal.say(`Warning: ${each}`);
    terminal.answer({ json: { event: 'ready', url, pid: process.pid }, text: readyText(url) });

    const { say } = terminal;
    const hubs = keepRunning<HubChild>({
      name: 'hub',
      first: started.hub,
      start: async () => {
        running.hub = await startHub();
        await running.hub.go(go());
        return running.hub;
      },
      onStarted: (hub) => remember({ hubPid: hub.pid }),
      say,
      signal: asked.signal,
    });
    keepRunning<ProxyChild>({
      name: 'proxy',
      first: started.proxy,
      start: async () => {
        running.proxy = await startProxy();
        return running.proxy;
      },
      onStarted: (proxy) => remember({ proxyPid: proxy.pid }),
      say,
      signal: asked.signal,
    });
    /**
     * The new hub loads everything while the old one serves, and takes over once that is gone: the proxy waits for a
     * moment only. One whose configuration is wrong never replaces one that works.
     */
    signals.onRestart(async () => {
      try {
        const next = await startHub();
        const old = hubs.replace(next);
        running.hub = next;
        await old.stop();
        await next.go(go());
        remember({ hubPid: next.pid });
        say('The hub is restarted.');
      } catch (error) {
        const problem = (error as Error).message;
        remember({ refused: { at: Date.now(), problem: `The hub is not restarted. ${problem}` } });
        say(problem);
      }
    });
    await signals.stop;
  } finally {
    asked.abort();
    // The proxy first: its last word about activity goes to the hub.
    await running.proxy?.stop();
    await running.hub?.stop();
    // What was begun when the signal came is over now, or has one of them more to end.
    await beginning.catch(() => {});
    await running.proxy?.stop();
    clearState(places);
    for (const socket of [places.hubSocket, places.controlSocket]) rmSync(socket, { force: true });
  }
}

async function makePython(places: Places): Promise<void> {
  const { ensurePython, pythonIsReady } = await import('../../setup/python.mjs');
  if (!pythonIsReady(places.python)) await ensurePython({ dir: places.python, wheels: places.wheels });
}

async function checkPort({ host, port }: PublicSettings): Promise<void> {
  if (port === 0) return;
  const state = await probePort(host, port);
  if (state === 'free') return;
  const remedy =
    state === 'EACCES'
      ? 'Choose one from 1024 on with --port.'
      : 'Stop it, or choose another port: atrium up --port <number>.';
  throw new CommandError(explainPort(host, port, state, remedy));
}

function proxyArguments(places: Places, settings: PublicSettings, api: { host: string; port: number }) {
  const { host, port, basePath, trustedProxies } = settings;
  return {
    host,
    port,
    basePath,
    api,
    hubSocket: places.hubSocket,
    controlSocket: places.controlSocket,
    tableFile: places.routeTable,
    logFile: `${places.logDir}/proxy.log`,
    trustedProxies,
  };
}

/** Signals are requests; the second one to stop is answered at once. */
function catchSignals() {
  const stop = Promise.withResolvers<void>();
  let restart: (() => Promise<void>) | undefined;
  let restarting: Promise<void> = Promise.resolve();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.resolve());
  process.on('SIGHUP', () => {
    if (restart) restarting = restarting.then(restart);
  });
  return {
    stop: stop.promise,
    onRestart(act: () => Promise<void>) {
      restart = act;
    },
  };
}
