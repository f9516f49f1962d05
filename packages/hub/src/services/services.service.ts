import {
  ADMIN_SCOPES,
  expandScopes,
  HubError,
  type Json,
  parseScope,
  type ScopeSet,
  SELF_SCOPES,
  Secret,
  scopesBeyond,
} from '@atrium/sdk';
import { audit } from '../audit/audit.service.ts';
import {
  CLIENT_ID,
  clientIdOfService,
  isRedirectUri,
  isServiceUrl,
  SERVICE_URL_HINT,
  TOKEN_LENGTH,
  validServiceName,
} from '../config/services-schema.ts';
import type { AppContext } from '../context.ts';
import { isClientTaken } from '../oauth/oauth-clients.service.ts';
import { findService, insertService, type Service } from './services.repo.ts';
import { removeService, settleService } from './settle.ts';

export { takeConfiguredServices } from './configured.ts';
export {
  findService,
  findServiceById,
  listServices,
  type Service,
  type ServiceRow,
  toService,
} from './services.repo.ts';

/** What somebody asks for through the API; they run it themselves. */
export interface NewService {
  name: string;
  url?: string | null | undefined;
  apiToken?: string | null | undefined;
  admin: boolean;
  oauthClientId?: string | null | undefined;
  oauthRedirectUri?: string | null | undefined;
  allowedScopes: readonly string[];
  oauthNoConfirm: boolean;
  info: { [key: string]: Json };
  display: boolean;
}

/**
 * Adds a service while the hub runs.
 * @param held What whoever asks may do: nobody hands out more.
 * @throws HubError `name_taken`, or `bad_request` for what cannot be.
 */
export async function createService(ctx: AppContext, wanted: NewService, held: ScopeSet): Promise<Service> {
  const { name, url } = wanted;
  if (await findService(ctx.db, name)) throw taken(name);
  if (!validServiceName(name)) {
    throw refuse(name, 'a name has letters, digits, and _ . - in between');
  }
  if (url && !isServiceUrl(url)) throw refuse(name, SERVICE_URL_HINT);
  const token = checkToken(wanted);
  checkScopes(ctx, wanted, held);
  const clientId = clientOf(wanted, token !== undefined);
  await ctx.db.transaction().execute(async (db) => {
    const values = {
      admin: wanted.admin,
      url: url || null,
      command: [],
      info: wanted.info,
      display: wanted.display,
      oauthClientId: clientId,
      oauthNoConfirm: wanted.oauthNoConfirm,
      allowedScopes: wanted.allowedScopes,
      fromConfig: false,
    };
    const service = await insertService(db, name, values, ctx.clock.now());
    if (!service) throw taken(name);
    if (clientId !== null && (await isClientTaken(db, clientId, service.id))) {
      throw refuse(name, `the OAuth client ${clientId} is somebody else's`);
    }
    const problem = await settleService({ ...ctx, db }, service, token, wanted.oauthRedirectUri ?? undefined);
    if (problem !== undefined) throw refuse(name, problem);
    const { admin, allowedScopes } = wanted;
    const detail = { url: url ?? null, admin, allowedScopes, client: clientId };
    await audit({ ...ctx, db }, { action: 'service.create', of: { kind: 'service', name }, detail });
  });
  await ctx.serviceMenu.refresh();
  ctx.wakeups.notify('routes');
  ctx.log.info({ service: name }, 'service created');
  const service = await findService(ctx.db, name);
  if (!service) throw taken(name);
  return service;
}

/** @throws HubError `method_not_allowed` for one of the configuration. */
export async function deleteService(ctx: AppContext, service: Service): Promise<void> {
  if (service.fromConfig) {
    throw new HubError('method_not_allowed', `Service ${service.name} is not modifiable at runtime`);
  }
  await ctx.db.transaction().execute(async (db) => {
    await removeService(db, service);
    await audit({ ...ctx, db }, { action: 'service.delete', of: { kind: 'service', name: service.name } });
  });
  await ctx.serviceMenu.refresh();
  ctx.wakeups.notify('routes');
  ctx.log.info({ service: service.name }, 'service deleted');
}

const taken = (name: string) => new HubError('name_taken', `Service ${name} already exists`);
const refuse = (name: string, why: string) => new HubError('bad_request', `Failed to create service ${name}: ${why}`);

function checkToken({ name, apiToken }: NewService): Secret | undefined {
  if (!apiToken) return undefined;
  const { least, most } = TOKEN_LENGTH;
  if (apiToken.length < least || apiToken.length > most || /\s/.test(apiToken)) {
    throw refuse(name, `a token has ${least} to ${most} characters and no blanks`);
  }
  return new Secret(apiToken, 'request');
}

function checkScopes({ roles }: AppContext, { name, admin, allowedScopes }: NewService, held: ScopeSet): void {
  const written = allowedScopes.flatMap((scope) => roles.find(scope)?.scopes ?? [scope]);
  for (const scope of written) parseScope(scope, roles.customScopes);
  const asked = expandScopes(
    [...written.flatMap(forEverybody), ...(admin ? ADMIN_SCOPES : [])],
    { service: name },
    roles.customScopes,
  );
  const beyond = scopesBeyond(held, asked);
  if (beyond.length > 0) throw refuse(name, `you do not hold ${beyond.join(', ')} yourself`);
}

/** Its visitors may be anybody: what holds for each of them holds for all. */
function forEverybody(scope: string): readonly string[] {
  if (scope === 'inherit') return ADMIN_SCOPES;
  if (scope === 'self') return SELF_SCOPES;
  return [scope.replace(/!(user|server)$/, '')];
}

/** Null: nobody signs in to it. */
function clientOf({ name, url, oauthClientId, oauthRedirectUri }: NewService, hasToken: boolean): string | null {
  if (oauthClientId && !CLIENT_ID.test(oauthClientId)) {
    throw refuse(name, 'oauth_client_id must begin with service-');
  }
  if (oauthRedirectUri && !isRedirectUri(oauthRedirectUri)) {
    throw refuse(name, 'oauth_redirect_uri must be a path that begins with a slash, or a URL');
  }
  const asked = Boolean(oauthClientId || oauthRedirectUri);
  if (asked && !hasToken) throw refuse(name, 'api_token is needed: it is the secret of its OAuth client, too');
  if (asked && !url && !oauthRedirectUri) throw refuse(name, 'oauth_redirect_uri is needed where there is no url');
  return hasToken && (url || oauthRedirectUri) ? clientIdOfService(name, oauthClientId ?? undefined) : null;
}
