import { HubError, type Secret } from '@atrium/sdk';
import { type ConfiguredService, clientIdOfService } from '../config/services-schema.ts';
import type { AppContext } from '../context.ts';
import { isClientTaken } from '../oauth/oauth-clients.service.ts';
import { findService, insertService, listServices, type ServiceValues, updateService } from './services.repo.ts';
import { removeService, settleService } from './settle.ts';

type Context = Pick<AppContext, 'config' | 'db' | 'clock' | 'urls' | 'keys'>;

/**
 * Takes over what the configuration says, when a hub is opened: rows, tokens, OAuth clients and routes. What it no longer
 * names goes; what was made through the API stays.
 * @throws HubError `misconfigured` when a token or an OAuth client is somebody else's.
 */
export async function takeConfiguredServices(ctx: Context): Promise<void> {
  const wanted = ctx.config.services;
  await ctx.db.transaction().execute(async (db) => {
    const inside = { ...ctx, db };
    for (const old of await listServices(db)) {
      if (old.fromConfig && !wanted.some((service) => service.name === old.name)) await removeService(db, old);
    }
    for (const service of wanted) await takeOne(inside, service);
  });
}

async function takeOne(ctx: Context, configured: ConfiguredService): Promise<void> {
  const { name } = configured;
  const values = valuesOf(configured);
  const before = await findService(ctx.db, name);
  if (before) await updateService(ctx.db, before.id, values);
  else await insertService(ctx.db, name, values, ctx.clock.now());
  const service = await findService(ctx.db, name);
  if (!service) throw new Error(`the service ${name} is gone while it was made`);
  if (values.oauthClientId !== null && (await isClientTaken(ctx.db, values.oauthClientId, service.id))) {
    throw new HubError('misconfigured', `services: the OAuth client ${values.oauthClientId} is somebody else's.`);
  }
  const problem = await settleService(ctx, service, tokenOf(ctx, configured, service.id), configured.oauthRedirectUri);
  if (problem !== undefined) throw new HubError('misconfigured', `services: ${problem}.`);
}

function valuesOf(service: ConfiguredService): ServiceValues {
  const { name, url, command, apiToken, oauthClientId, oauthRedirectUri } = service;
  // Nobody signs in to what has no page, or no secret to prove itself with.
  const signsIn =
    (url !== undefined || oauthRedirectUri !== undefined) && (command !== undefined || apiToken !== undefined);
  return {
    admin: service.admin,
    url: url ?? null,
    command: command ?? [],
    info: service.info,
    display: service.display,
    oauthClientId: signsIn ? clientIdOfService(name, oauthClientId) : null,
    oauthNoConfirm: service.oauthNoConfirm,
    allowedScopes: service.allowedScopes,
    fromConfig: true,
  };
}

/** As written; else one that every hub of this installation derives. */
export function tokenOf(
  { keys }: Pick<AppContext, 'keys'>,
  service: ConfiguredService,
  id: number,
): Secret | undefined {
  return service.apiToken ?? (service.command && keys.serviceToken(id));
}
