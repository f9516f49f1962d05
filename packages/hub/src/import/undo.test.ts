import { expect, test } from 'vitest';
import { apiHub } from '../api/test-hub.ts';
import { hashToken } from '../keys.ts';
import { findServer } from '../servers/servers.service.ts';
import { issueToken } from '../tokens/tokens.service.ts';
import { asUser } from '../users/principal.ts';
import { findUser } from '../users/users.service.ts';
import { fingerprintOf, insertImport, insertItems, type Kind } from './ledger.repo.ts';
import { undoImport } from './undo.service.ts';

test('whoever loses a share or a token by it has nothing open any more', async () => {
  await using hub = await apiHub();
  const { ctx } = hub;
  const { db } = ctx;
  const now = ctx.clock.now();
  const [ada, bob] = [await hub.api({ name: 'ada' }), await hub.api({ name: 'bob' })];
  expect((await ada('POST', '/users/ada/server')).status).toBe(201);
  expect((await bob('GET', '/user')).status).toBe(200);
  const [owner, visitor] = [await findUser(db, 'ada'), await findUser(db, 'bob')];
  const server = owner && (await findServer(db, owner.id, ''));
  if (!visitor || !server) throw new Error('They are there');
  const share = await db
    .insertInto('shares')
    .values({
      ...{ server_id: server.id, user_id: visitor.id, group_name: null, created: now, expires_at: null },
      scopes: JSON.stringify(['access:servers']),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  const kept = await issueToken(ctx, { owner: asUser(visitor), scopes: ['inherit'], note: 'kept' });
  const brought = await issueToken(ctx, { owner: asUser(visitor), scopes: ['inherit'], note: 'brought' });
  const row = await db.selectFrom('api_tokens').select('id').where('note', '=', 'brought').executeTakeFirstOrThrow();
  const importId = await insertImport(db, { source: 'old.sqlite', revision: 'x', now });
  const item = async (kind: Kind, ours: string) => ({
    ...{ kind, theirs: ours, ours },
    fingerprint: (await fingerprintOf(db, kind, ours)) ?? '',
  });
  const items = [await item('share', String(share.id)), await item('token', String(row.id))];
  await insertItems(db, importId, items);
  const barred = async () =>
    (await db.selectFrom('barred_tokens').selectAll().where('until', '>', now).execute()).map((bar) => [
      bar.server_id,
      bar.hash,
    ]);

  await undoImport(ctx, { apply: false });
  expect(await barred()).toEqual([]);
  await undoImport(ctx, { apply: true });

  const bars = await barred();
  expect(bars).toContainEqual([server.id, hashToken(kept.token)]);
  expect(bars).toContainEqual(['', hashToken(brought.token)]);
  // What he has of his own is not touched.
  expect(bars).not.toContainEqual(['', hashToken(kept.token)]);
  expect((await bob('GET', '/user')).status).toBe(200);
});
