import { PREFIX_LENGTH, parseTokenHash } from '../../legacy/legacy-tokens.service.ts';
import { codesHere, insertShare, insertShareCode, sharesHere } from '../import.repo.ts';
import { keyOf } from '../ledger.repo.ts';
import { isScope, type Taking } from '../taking.ts';

/** Who may use whose server, and the codes that are on their way: as they are, each for the server as it is called here. */
export async function takeShares(taking: Taking): Promise<void> {
  await takeGrants(taking);
  await takeCodes(taking);
}

async function takeGrants(taking: Taking): Promise<void> {
  const { ctx, source } = taking;
  const count = taking.count('shares', source.shares.length);
  const ids = await sharesHere(ctx.db);
  const now = ctx.clock.now();
  for (const { owner, server, user, group, scopes, created, expiresAt } of source.shares) {
    await taking.breathe();
    const shown = `${owner}/${server} with ${user ?? `group ${group}`}`;
    const theirs = keyOf(owner, server, user === null ? 'group' : 'user', user ?? group ?? '');
    if (taking.wasTaken(count, 'share', theirs, shown, (id) => ids.has(id))) continue;
    const serverId = taking.servers.get(keyOf(owner, server));
    const userId = user === null ? null : taking.users.get(user);
    if (serverId === undefined) {
      count.skip(shown, 'its server is not taken over');
      continue;
    }
    if (userId === undefined || (userId === null && (group === null || !taking.groups.has(group)))) {
      count.skip(shown, 'the person or the group is not taken over');
      continue;
    }
    if (expiresAt !== null && expiresAt <= now) {
      count.skip(shown, 'has expired');
      continue;
    }
    const kept = scopesHere(taking, scopes);
    if (kept.length === 0) {
      count.skip(shown, 'has no scope that exists here');
      continue;
    }
    const receiver = userId === null ? { userId: null, group } : { userId, group: null };
    const id = await insertShare(ctx.db, { serverId, ...receiver, scopes: kept, created: created ?? now, expiresAt });
    if (id === undefined) {
      count.there(shown);
      continue;
    }
    if (kept.length < scopes.length) count.change(shown, 'has scopes that do not exist here; they are left out');
    taking.add('share', theirs, id);
    count.take();
  }
}

async function takeCodes(taking: Taking): Promise<void> {
  const { ctx, source } = taking;
  const count = taking.count('share_codes', source.shareCodes.length);
  const ids = await codesHere(ctx.db);
  const now = ctx.clock.now();
  for (const { owner, server, hashed, prefix, scopes, created, expiresAt, exchanged } of source.shareCodes) {
    const shown = `${owner}/${server}`;
    // A hash says nothing of its code, and is the same whenever the database is read.
    if (taking.wasTaken(count, 'share_code', hashed, shown, (id) => ids.has(id))) continue;
    const serverId = taking.servers.get(keyOf(owner, server));
    const kept = scopesHere(taking, scopes);
    if (serverId === undefined) count.skip(shown, 'its server is not taken over');
    else if (expiresAt === null || expiresAt <= now) count.skip(shown, 'has expired');
    else if (!parseTokenHash(hashed)) count.skip(shown, 'is stored in a way that this hub cannot check');
    else if (kept.length === 0) count.skip(shown, 'has no scope that exists here');
    else {
      const code = { serverId, hashed, prefix: prefix.slice(0, PREFIX_LENGTH), scopes: kept, exchanged };
      taking.add('share_code', hashed, await insertShareCode(ctx.db, { ...code, created: created ?? now, expiresAt }));
      count.take();
    }
  }
}

/** Without their filter, which is the server's name there. */
function scopesHere(taking: Taking, scopes: readonly string[]): string[] {
  const names = scopes.map((scope) => scope.split('!', 1)[0] ?? '');
  return [...new Set(names)].filter((name) => isScope(taking, name)).sort();
}
