import type { Secret } from '@atrium/sdk';
import type { AppContext } from '../../context.ts';
import { hashToken } from '../../keys.ts';
import { putClient } from '../../oauth/oauth-clients.service.ts';
import { putServerToken } from '../../tokens/tokens.service.ts';
import type { Server } from '../server.ts';
import { clientIdOf, serverTokenScopes } from './env.ts';

/** Stores the token of a start as its API token and its OAuth client's secret; any earlier one ends. */
export async function putServerCredentials(
  ctx: AppContext,
  db: AppContext['db'],
  server: Pick<Server, 'id' | 'generation' | 'userId' | 'userName' | 'name'>,
  token: Secret,
): Promise<void> {
  const { id, generation, userId, userName, name } = server;
  const base = ctx.urls.server(userName, name);
  const hash = hashToken(token.reveal());
  await putServerToken(db, {
    userId,
    serverId: id,
    generation,
    hash,
    note: `Server at ${base}`,
    scopes: serverTokenScopes(ctx, userName, name),
    now: ctx.clock.now(),
  });
  await putClient(db, {
    identifier: clientIdOf(userName, name),
    secretHash: hash,
    redirectUri: `${ctx.urls.serverUrl(userName, name)}oauth_callback`,
    allowedScopes: [],
    description: `Server at ${base}`,
    serverId: id,
  });
}
