import { insertLegacyToken, PREFIX_LENGTH, parseTokenHash } from '../../legacy/legacy-tokens.service.ts';
import { HUB_CLIENT } from '../../tokens/tokens.service.ts';
import { clientsHere, insertToken, tokensHere } from '../import.repo.ts';
import type { Source } from '../source/schema.ts';
import { isScope, type Taking } from '../taking.ts';

type Token = Source['tokens'][number];

/** The token very text goes on working: its hash is taken over as it is, and made one of ours when it is first used. */
export async function takeTokens(taking: Taking): Promise<void> {
  const { ctx, source } = taking;
  const count = taking.count('api_tokens', source.tokens.length);
  const ids = await tokensHere(ctx.db);
  const clients = await clientsHere(ctx.db);
  const now = ctx.clock.now();
  for (const token of source.tokens) {
    await taking.breathe();
    const shown = shownName(token);
    // A hash says nothing of its token, and is the same whenever the database is read.
    const theirs = token.hashed;
    if (taking.wasTaken(count, 'token', theirs, shown, (id) => ids.has(id))) continue;
    const why = reasonAgainst(token, taking, clients, now);
    if (why !== undefined) {
      count.skip(shown, why);
      continue;
    }
    const scopes = token.scopes.filter((scope) => isScope(taking, scope));
    if (scopes.length < token.scopes.length)
      count.change(shown, 'has scopes that do not exist here; they are left out');
    const id = await insertToken(ctx.db, {
      hash: `jupyterhub:${token.hashed}`,
      userId: token.user === null ? null : (taking.users.get(token.user) ?? null),
      serviceId: token.user !== null || token.service === null ? null : (taking.services.get(token.service) ?? null),
      clientId: token.clientId ?? HUB_CLIENT,
      created: token.created ?? now,
      expiresAt: token.expiresAt,
      lastActivity: token.lastActivity,
      note: token.note,
      scopes: JSON.stringify(scopes),
    });
    await insertLegacyToken(ctx.db, {
      tokenId: id,
      prefix: token.prefix.slice(0, PREFIX_LENGTH),
      hashed: token.hashed,
    });
    taking.add('token', theirs, id);
    count.take();
  }
}

function reasonAgainst(
  token: Token,
  { users, services }: Taking,
  clients: ReadonlySet<string>,
  now: number,
): string | undefined {
  const { user, service, clientId } = token;
  if (token.expiresAt !== null && token.expiresAt <= now) return 'has expired';
  if (clientId === null) return 'counts no more in JupyterHub either: it belongs to no client';
  if (user === null && service === null) return 'belongs to nobody';
  if (user !== null && !users.has(user)) return 'its owner is not taken over';
  if (user === null && service !== null && !services.has(service)) return 'its service is not taken over';
  if (token.note.startsWith('Server at ')) return "a server's own: it gets another when it starts here";
  if (clientId !== HUB_CLIENT && !clients.has(clientId)) {
    return clientId.startsWith('jupyterhub-user-')
      ? "a browser's at a server: it signs in again by itself"
      : 'of an application that people sign in to again';
  }
  if (!parseTokenHash(token.hashed)) return 'is stored in a way that this hub cannot check';
  return undefined;
}

function shownName({ id, user, service, note }: Token): string {
  const owner = user ?? (service === null ? 'nobody' : `service ${service}`);
  return `a${id} of ${owner}${note === '' ? '' : ` (${note})`}`;
}
