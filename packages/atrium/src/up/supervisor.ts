import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServiceRunner } from '@atrium/hub/services';
import { CommandError } from '../cli/command.ts';
import { isManager } from '../files/cluster-facts.ts';
import type { Places } from '../files/data-dir.ts';
import { startTimeOf } from '../files/process-info.ts';
import { VERSION } from '../version.ts';
import { chooseApiAddress, keepApiAddress } from './api-address.ts';
import type { Begun } from './begin.ts';
import { keepFirstAdminLink } from './first-admin-link.ts';
import type { HubChild } from './hub-child.ts';
import { keepRunning } from './keep.ts';
import { proxyStarter } from './proxy-starter.ts';
import { rootHelper } from './root-helper.ts';
import { serviceAccounts } from './service-accounts.ts';
import { bindPublic, heldSockets } from './sockets.ts';
import { clearState, type State, writeState } from './state.ts';
import { openTicketKeys } from './ticket-keys.ts';
import {
  addressOf,
  bindWarning,
  fetchingText,
  fingerprintText,
  linkElsewhereText,
  linkText,
  readyText,
} from './words.ts';
import { keepWorkers } from './workers.ts';

/**
 * Runs hub and proxy, each in a process of its own, until a signal: SIGINT and SIGTERM end both, others replace the
 * hub (signals.ts). People's servers are not its children and outlive it.
 * @throws CommandError when it could not start.
 */
export async function runSupervisor(begun: Begun): Promise<void> {
  const { places, serviceUsers, terminal, account, signals, children, childOptions, startHub } = begun;
  const asked = new AbortController();
  const sockets = heldSockets();
  const helper = account && (await rootHelper(places, account));
  const services = createServiceRunner({
    cwd: places.servicesDir,
    environment: process.env,
    accountOf: serviceAccounts(account, serviceUsers, places.servicesDir),
  });
  let url = '';
  let linkUntil = 0;
  // The hub may have a link for the first administrator before the proxy says which port it has.
  const urlIsKnown = Promise.withResolvers<void>();
  const onFirstAdmin = (link: { path: string; expiresAt: number }) => {
    linkUntil = link.expiresAt;
    if (isManager()) keepFirstAdminLink(places, link);
    void urlIsKnown.promise.then(() => terminal.say(isManager() ? linkElsewhereText : linkText(url, link)));
  };
  begun.listeners.resolve({ helper, onFirstAdmin, services, onShutdown: signals.stopNow });

  const begin = async () => {
    const hub = await begun.firstHub;
    const { settings } = hub;
    // Before minutes of fetching.
    if (settings.tlsProblems.length > 0) throw new CommandError(settings.tlsProblems.join('\n'));
    const { port } = await bindPublic(sockets, settings);
    if (settings.needsPython) await makePython(places);
    asked.signal.throwIfAborted();
    const api = await chooseApiAddress(places.apiAddressFile);
    await sockets.bind('api', api.address, () => 'Try again.');
    const apiUrl = `http://${api.address.host}:${api.address.port}${settings.basePath}hub/api`;
    const instanceId = randomUUID();
    const go = () => ({ apiUrl, linkUntil, instanceId, ...(account ? { root: account } : {}) });
    const proxies = proxyStarter({
      ...{ places, children, childOptions, sockets, settings: { ...settings, port } },
      api: api.address,
      ticketKeys: openTicketKeys(asked.signal),
    });
    // Side by side: neither waits for the other, and everybody waits for both. When the proxy cannot start, both end.
    const going = hub.go(go());
    going.catch(() => {});
    const proxy = await proxies.start(false);
    if (api.isNew) keepApiAddress(places.apiAddressFile, api.address);
    url = addressOf({ ...settings, port });
    urlIsKnown.resolve();
    const warnings = [...bindWarning(settings), ...settings.tlsWarnings, ...(await going)];
    return { hub, proxy, go, proxies, warnings, host: settings.host, fetches: settings.tls?.fetched !== undefined };
  };

  const beginning = begin();
  try {
    const started = await Promise.race([beginning, signals.stop.then(() => undefined)]);
    if (!started) return;
    const { go, proxies, warnings } = started;
    const state: State = {
      pid: process.pid,
      startTime: startTimeOf(process.pid) ?? '',
      url,
      host: started.host,
      hubPid: started.hub.pid,
      proxyPid: started.proxy.pid,
      proxyPids: [started.proxy.pid],
      startedAt: Date.now(),
      version: VERSION,
    };
    const remember = (change: Partial<State>) => {
      Object.assign(state, change);
      try {
        writeState(places, state);
      } catch (error) {
        // A full disk is no reason to end what runs.
        terminal.say(`What \`atrium status\` reads could not be written: ${(error as Error).message}`);
      }
    };
    writeState(places, state);
    for (const each of warnings) terminal.say(`Warning: ${each}`);
    terminal.answer({ json: { event: 'ready', url, pid: process.pid }, text: readyText(url) });
    const certificateText = started.fetches ? fetchingText : fingerprintText;
    const fingerprint = certificateText(started.proxy.certificates);
    if (fingerprint) terminal.say(fingerprint);

    const { say } = terminal;
    let { settings } = started.hub;
    const hubs = keepRunning<HubChild>({
      name: 'hub',
      first: started.hub,
      start: async () => {
        const hub = await startHub();
        await hub.go(go());
        return hub;
      },
      onStarted: (hub) => {
        settings = hub.settings;
        remember({ hubPid: hub.pid });
      },
      say,
      signal: asked.signal,
    });
    const workers = keepWorkers({
      first: started.proxy,
      count: settings.workers,
      start: () => proxies.start(true),
      onChange: (proxyPids) => remember({ proxyPids: [...proxyPids], proxyPid: proxyPids[0] }),
      say,
      signal: asked.signal,
    });
    /** The new ones are there before the old ones go, so nobody is refused; with the settings of the newest hub. */
    signals.onUpgrade(async () => {
      try {
        const { workers: count, drainMs, tlsProblems } = settings;
        if (tlsProblems.length > 0) throw new CommandError(tlsProblems.join('\n'));
        await proxies.change(settings, () => workers.upgrade(count, drainMs));
        remember({ upgradedAt: Date.now() });
        say('The proxy is restarted.');
      } catch (error) {
        const problem = `The proxy is not restarted. ${(error as Error).message}`;
        remember({ refused: { at: Date.now(), problem } });
        say(problem);
      }
    });
    /**
     * The new hub loads everything while the old one serves, and takes over once that is gone: the proxy waits for a
     * moment only. One whose configuration is wrong never replaces one that works.
     */
    signals.onRestart(async () => {
      try {
        await hubs.replace(async (old) => {
          const next = await startHub();
          await old?.stop();
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
    sockets.close();
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
