import type { Secret } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { hashToken } from '../keys.ts';
import { type OAuthClient, settleServiceClient } from '../oauth/oauth-clients.service.ts';
import { settleServiceRoute } from '../routes/routes.service.ts';
import { deleteServiceToken, deleteTokensOfService, putServiceToken } from '../tokens/tokens.service.ts';
import { addressOfService } from './address.ts';
import { deleteServiceRow, type Service } from './services.repo.ts';

/** Note of the token that comes with the service, from its configuration, its creation, or made by us. */
const OWN_TOKEN = 'Token of the service';

/** What everything about a service's row is made from. */
export type SettleContext = Pick<AppContext, 'db' | 'clock' | 'urls'>;

/**
 * Makes token, OAuth client and route what the row says. In the caller's transaction. Same call again: no change.
 * @returns what stands in the way, in words.
 */
export async function settleService(
  ctx: SettleContext,
  service: Service,
  token: Secret | undefined,
  redirectUri: string | undefined,
): Promise<string | undefined> {
  const { db, clock, urls } = ctx;
  const hash = token && hashToken(token.reveal());
  if (hash === undefined) await deleteServiceToken(db, service.id, OWN_TOKEN);
  else if (!(await putServiceToken(db, { serviceId: service.id, hash, note: OWN_TOKEN, now: clock.now() }))) {
    return `The token of the service ${service.name} is somebody else's already`;
  }
  const client: OAuthClient | undefined =
    service.oauthClientId !== null && hash !== undefined
      ? {
          identifier: service.oauthClientId,
          secretHash: hash,
          redirectUri: redirectUri ?? `${urls.serviceUrl(service.name)}oauth_callback`,
          allowedScopes: service.allowedScopes,
          description: service.name,
          serverId: null,
          serviceId: service.id,
        }
      : undefined;
  await settleServiceClient(db, service.id, client);
  await settleServiceRoute(db, service.name, routeOf(ctx, service));
  return undefined;
}

function routeOf({ urls }: SettleContext, { name, url }: Service) {
  if (url === null) return undefined;
  return { path: urls.serviceRoute(name), target: addressOfService(url) };
}

/** Everything of a service goes. In the caller's transaction. */
export async function removeService(db: SettleContext['db'], service: Service): Promise<void> {
  await deleteTokensOfService(db, service.id, service.oauthClientId);
  await settleServiceClient(db, service.id, undefined);
  await settleServiceRoute(db, service.name, undefined);
  await deleteServiceRow(db, service.id);
}
