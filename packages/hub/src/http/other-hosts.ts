import { HubError } from '@atrium/sdk';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { isApiRequest } from './guard.ts';
import { headerToken, pathOf } from './requester.ts';

/** Whether a request came to the host of a person or a service, which their pages rule. */
export function isOtherHost({ urls: { domain } }: Pick<AppContext, 'urls'>, request: FastifyRequest): boolean {
  return domain !== undefined && request.hostname.toLowerCase().endsWith(`.${domain}`);
}

/**
 * No page of the hub is shown on the host of a person or a service: whatever their pages can read or write there would
 * be the hub's. Browsers are sent to the hub's own host; programs with a token get their answer on any.
 */
export async function keepToHubHost(ctx: AppContext, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  if (!isOtherHost(ctx, request) || isApiRequest(ctx, request)) return undefined;
  const { base, hub, hubHost } = ctx.urls;
  const path = pathOf(request);
  const reading = request.method === 'GET' || request.method === 'HEAD';
  // An open JupyterLab asks for its server, is sent on to `{hub}user/` and must see there that it is gone.
  const ofServer = path.startsWith(`${base}user/`) || path.startsWith(`${hub}user/`);
  if (ofServer && (!reading || headerToken(request) !== undefined)) return undefined;
  // The proxy has no route of it, and would not have one at the hub's host either.
  if (!reading || path.startsWith(`${base}services/`)) {
    throw new HubError('not_found', 'There is no page at this address.');
  }
  return reply.header('cache-control', 'no-store').redirect(hubHost + request.url, 302);
}
