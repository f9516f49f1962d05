import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServiceRunner } from '@atrium/hub/services';
import { CommandError, type Terminal } from '../cli/command.ts';
import { isManager } from '../files/cluster-facts.ts';
import type { Places } from '../files/data-dir.ts';
import { prepareDirs } from '../files/prepare.ts';
import { startTimeOf } from '../files/process-info.ts';
import type { HubArguments, PublicSettings } from '../process/messages.ts';
import { VERSION } from '../version.ts';
import { chooseApiAddress, keepApiAddress } from './api-address.ts';
import { trackChildren } from './children.ts';
import { keepFirstAdminLink } from './first-admin-link.ts';
import { type HubChild, hubChild } from './hub-child.ts';
import { keepRunning } from './keep.ts';
import { explainPort, probePort } from './port.ts';
import { type ProxyChild, proxyChild } from './proxy-child.ts';
import { rootHelper } from './root-helper.ts';
import { serviceAccounts } from './service-accounts.ts';
import { catchSignals } from './signals.ts';
import { clearState, lockDataDir, type State, writeState } from './state.ts';
import { addressOf, bindWarning, linkElsewhereText, linkText, readyText } from './words.ts';

export interface UpOptions {
  places: Places;
  /** Looked up for each hub, so that a file made after the start counts from the next restart on. */
  configFile(): string | undefined;
  /** Settings given on the command line. */
  flags: Record<string, unknown>;
  /** Accounts that services may run as, beside the hub's. */
  serviceUsers: readonly string[];
  terminal: Terminal;
}

/**
 * Runs hub and proxy, each in a process of its own, until a signal: SIGINT and SIGTERM end both, others replace the
 * hub (signals.ts). People's servers are not its children and outlive it.
 * @throws CommandError when it could not start.
 */
export async function runSupervisor(options: UpOptions): Promise<void> {
  const { places, configFile, flags, serviceUsers, terminal } = options;
  const { account, warning } = prepareDirs(places, configFile());
  using _lock = lockDataDir(places);
  if (warning) terminal.say(`Warning: ${warning}`);
  const signals = catchSignals(process.stdin.isTTY);
  const children = trackChildren();
  signals.onSecondStop(children.killAll);
  const asked = new AbortController();
  const helper = account && (await rootHelper(places, account));
  const services = createServiceRunner({
    cwd: places.servicesDir,
    environment: process.env,
    accountOf: serviceAccounts(account, serviceUsers, places.servicesDir),
  });
  const childOptions = { account, cacheDir: places.cacheDir };
  const hubArguments = (): HubArguments => {
    const { dataDir, runDir } = places;
    const file = configFile();
    return { dataDir, runDir, flags, mode: 'serve', ...(file ? { configFile: file } : {}) };
  };
  let url = '';
  let linkUntil = 0;
  // The hub may have a link for the first administrator before the proxy says which port it has.
  const urlIsKnown = Promise.withResolvers<void>();
  const onFirstAdmin = (link: { path: string; expiresAt: number }) => {
    linkUntil = link.expiresAt;
    if (isManager()) keepFirstAdminLink(places, link);
    void urlIsKnown.promise.then(() => terminal.say(isManager() ? linkElsewhereText : linkText(url, link)));
  };
  const startHub = async () =>
    hubChild(children.start('hub-process', hubArguments(), childOptions), {
      helper,
      onFirstAdmin,
      services,
      onShutdown: signals.stopNow,
    });

  const begin = async () => {
    const hub = await startHub();
    const { settings } = hub;
    // Before minutes of fetching; and what is free now may be taken after them, which the proxy says.
    await checkPort(settings);
    if (settings.needsPython) await makePython(places);
    asked.signal.throwIfAborted();
    const api = await chooseApiAddress(places.apiAddressFile);
    const apiUrl = `http://${api.address.host}:${api.address.port}${settings.basePath}hub/api`;
    const instanceId = randomUUID();
    const go = () => ({ apiUrl, linkUntil, instanceId, ...(account ? { root: account } : {}) });
    let { port } = settings;
    const startProxy = () => {
      const options = proxyArguments(places, { ...settings, port }, api.address);
      return proxyChild(children.start('proxy-process', options, { ...childOptions, port }));
    };
    // Side by side: neither waits for the other, and everybody waits for both. When the proxy cannot start, both end.
    const going = hub.go(go());
    going.catch(() => {});
    const proxy = await startProxy();
    port = proxy.port;
    if (api.isNew) keepApiAddress(places.apiAddressFile, api.address);
    url = addressOf({ ...settings, port });
    urlIsKnown.resolve();
    const warnings = [...bindWarning(settings), ...(await going)];
    return { hub, proxy, go, startProxy, warnings, host: settings.host };
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
      host: started.host,
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
        const hub = await startHub();
        await hub.go(go());
        return hub;
      },
      onStarted: (hub) => remember({ hubPid: hub.pid }),
      say,
      signal: asked.signal,
    });
    keepRunning<ProxyChild>({
      name: 'proxy',
      first: started.proxy,
      start: startProxy,
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
        await hubs.replace(async (old) => {
          const next = await startHub();
          await old.stop();
          await next.go(go());
          return next;
        });
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
    await Promise.all([children.stopAll(), services[Symbol.asyncDispose]()]);
    // What was begun when the signal came finds now that it cannot go on.
    await beginning.catch(() => {});
    clearState(places);
    for (const left of [places.hubSocket, places.controlSocket, places.firstAdminFile]) rmSync(left, { force: true });
  }
}

async function makePython(places: Places): Promise<void> {
  const { ensurePython, pythonIsReady } = await import('../../setup/python.mjs');
  if (!pythonIsReady(places.python)) await ensurePython({ dir: places.python, wheels: places.wheels });
}

async function checkPort({ host, port }: PublicSettings): Promise<void> {
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
