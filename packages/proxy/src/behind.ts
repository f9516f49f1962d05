import type { ProxyContext } from './context.ts';
import type { Target } from './route-table.ts';

/** Somebody's own server, which shares its origin with others and is not to speak for them. */
export function isOfServer({ standAlone }: ProxyContext, target: Target): boolean {
  return target.serverId !== undefined && !standAlone;
}

/** What a target is, for whoever is told that it does not work. Routes without a server are those of services. */
export function kindOf({ standAlone }: ProxyContext, { address, serverId }: Target): 'hub' | 'server' | 'service' {
  if (address === undefined) return 'hub';
  return serverId === undefined || standAlone ? 'service' : 'server';
}

/** Says in the log what went wrong behind the proxy; the same of the same target only now and then. */
export function tellOf(
  context: ProxyContext,
  target: Target,
  requestId: string,
  level: 'info' | 'warn',
  what: string,
  facts: object = {},
): void {
  const { news, clock, log } = context;
  const { address, serverId, prefix } = target;
  const who = address === undefined ? 'the hub' : isOfServer(context, target) ? 'a server' : 'a service';
  const more = news.due(`${serverId ?? (prefix || 'hub')} ${what}`, clock.now());
  if (more === undefined) return;
  const where = address === undefined ? { to: 'hub' } : { serverId, prefix };
  log[level]({ ...where, ...facts, requestId, ...(more > 0 && { more }) }, `${who} ${what}`);
}
