import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { rebuildServer } from '../servers/servers.service.ts';
import { putStorage } from '../storage/storage.service.ts';
import { createUser, findUser, normaliseUserName, validUserName } from '../users/users.service.ts';
import { defineVerb } from './verb.ts';

/** What an inventory of the spawner's own tells of one server or home; null where it tells nothing. */
const Row = z.strictObject({
  user: z.string().nullable(),
  server: z.string().nullable(),
  storage: z.string().nullable(),
  generation: z.int().min(0).nullable(),
});
type Row = z.output<typeof Row>;

/** `made` says what was not there before; a row without a usable name is left alone. */
interface RowDone {
  user: string | null;
  made: ('user' | 'server' | 'home')[];
  left?: string;
}

/** An inventory gives only a mark of a name that its tags cannot hold. */
const isMark = (name: string) => name.startsWith('sha256:');

/**
 * Makes accounts, servers and the names of homes again after a lost database. What is there already stays as it is, so it may
 * be run twice. Accounts come back without rights and passwords: those were in the database alone.
 */
const rebuild = defineVerb(z.strictObject({ rows: z.array(Row) }), async (ctx, { rows }) => {
  const done: RowDone[] = [];
  for (const row of rows) done.push(await rebuildRow(ctx, row));
  ctx.log.info({ rows: done.length }, 'rows made again from an inventory');
  return done;
});

async function rebuildRow(ctx: AppContext, row: Row): Promise<RowDone> {
  if (row.user === null || isMark(row.user)) return { user: row.user, made: [], left: 'its tags do not hold the name' };
  const name = normaliseUserName(row.user);
  if (!validUserName(name)) return { user: row.user, made: [], left: 'no name of a person' };
  const now = ctx.clock.now();
  const made: RowDone['made'] = [];
  const known = await findUser(ctx.db, name);
  const user = known ?? (await createUser(ctx.db, { name, now })) ?? (await findUser(ctx.db, name));
  if (!user) return { user: name, made, left: 'its account could not be made' };
  if (!known) made.push('user');
  const spawnerId = ctx.spawner.id;
  if (row.storage !== null) {
    const kept = await putStorage(ctx.db, { userId: user.id, userName: name, spawnerId, name: row.storage, now });
    if (kept !== row.storage) return { user: name, made, left: `the home in use is ${kept}, not ${row.storage}` };
    made.push('home');
  }
  if (row.server !== null) {
    const server = { id: row.server, userId: user.id, spawnerId, generation: row.generation ?? 0, now };
    if (await rebuildServer(ctx.db, server)) made.push('server');
  }
  return { user: name, made };
}

export const rebuildVerbs = { rebuild };
