import type { Places } from '../files/data-dir.ts';
import type { ChildOptions } from '../process/child.ts';
import type { ProxyArguments, PublicSettings } from '../process/messages.ts';
import type { Children } from './children.ts';
import { type ProxyChild, proxyChild } from './proxy-child.ts';
import { bindRedirect, redirects, type Sockets } from './sockets.ts';
import type { TicketKeys } from './ticket-keys.ts';

export interface ProxyStarterOptions {
  places: Places;
  children: Children;
  childOptions: ChildOptions;
  sockets: Sockets;
  /** With the port that the proxy really has: it stays, as host and base path do. Servers and bookmarks know them. */
  settings: PublicSettings;
  api: { host: string; port: number };
  /** Also between those that are there and those that replace them. */
  ticketKeys: TicketKeys;
}

/** Starts proxy processes, with the settings that are in force. */
export interface ProxyStarter {
  /** @param awaitRoutes it takes the place of another, or works beside others */
  start(awaitRoutes: boolean): Promise<ProxyChild>;
  /**
   * From now on others are in force; for good if `act` succeeds. The port for redirects is opened when there is one now, and
   * closed when there is none any more.
   */
  change(settings: PublicSettings, act: () => Promise<void>): Promise<void>;
}

export function proxyStarter(options: ProxyStarterOptions): ProxyStarter {
  const { places, children, childOptions, sockets, settings, api, ticketKeys } = options;
  const { host, port, basePath } = settings;
  let inForce = settings;

  function argumentsNow(fds: ProxyArguments['fds'], awaitRoutes: boolean): ProxyArguments {
    const { trustedProxies, connectionsPerAddress, accessLog, tls, publicUrl, redirectPort } = inForce;
    const toPort = publicUrl === undefined ? undefined : Number(new URL(publicUrl).port || 443);
    return {
      ...{ host, port, basePath, api, fds, awaitRoutes, trustedProxies, connectionsPerAddress },
      hubSocket: places.hubSocket,
      controlSocket: places.controlSocket,
      tableFile: places.routeTable,
      logFile: `${places.logDir}/proxy.log`,
      ...(accessLog && { accessLogFile: `${places.logDir}/access.log` }),
      ...(tls && { tls }),
      ...(redirectPort === undefined || fds.redirect.length === 0
        ? {}
        : { redirect: { host, port: redirectPort, ...(toPort && { toPort }) } }),
    };
  }

  return {
    start(awaitRoutes) {
      // One that does not listen there must not keep the port open, either.
      const { fds, numbers } = sockets.forChild(redirects(inForce) ? ['main', 'api', 'redirect'] : ['main', 'api']);
      const child = children.start('proxy-process', argumentsNow(numbers, awaitRoutes), { ...childOptions, fds });
      if (inForce.tls) ticketKeys.share(child);
      return proxyChild(child);
    },
    async change(next, act) {
      const before = inForce;
      const isNew = redirects(next) && !sockets.has('redirect');
      if (isNew) await bindRedirect(sockets, { ...next, host });
      inForce = next;
      try {
        await act();
      } catch (error) {
        inForce = before;
        if (isNew) sockets.release('redirect');
        throw error;
      }
      if (!redirects(next)) sockets.release('redirect');
    },
  };
}
