import { createUser, listUsers, validUserName } from '../../users/users.service.ts';
import { setUserFacts } from '../import.repo.ts';
import type { Taking } from '../taking.ts';

/** Who may be here because of an import: `allowed_by` of the account. */
const ALLOWED_BY = 'import';

export async function takeUsers(taking: Taking): Promise<void> {
  const { ctx, source } = taking;
  const count = taking.count('users', source.users.length);
  const here = (await listUsers(ctx.db, {})).users;
  const byName = new Map(here.map((user) => [user.name, user]));
  const ids = new Set(here.map(({ id }) => String(id)));
  let mixed = 0;
  for (const user of source.users) {
    const { name } = user;
    await taking.breathe();
    const before = taking.earlier('user', name);
    if (taking.wasTaken(count, 'user', name, name, (id) => ids.has(id))) {
      if (before !== undefined && ids.has(before)) taking.users.set(name, Number(before));
      continue;
    }
    const same = byName.get(name);
    if (same) {
      taking.users.set(name, same.id);
      count.there(name, user.admin && !same.admin ? 'an administrator there and not here; that stays so' : undefined);
      continue;
    }
    if (!validUserName(name)) {
      count.skip(name, 'cannot be a user name here');
      continue;
    }
    const now = ctx.clock.now();
    const made = await createUser(ctx.db, { name, admin: user.admin, allowedBy: ALLOWED_BY, now });
    if (!made) continue;
    await setUserFacts(ctx.db, made.id, {
      created: user.created ?? now,
      lastActivity: user.lastActivity,
      userInfo: user.userInfo && JSON.stringify(user.userInfo),
    });
    taking.users.set(name, made.id);
    taking.add('user', name, made.id);
    count.take();
    if (name !== name.toLowerCase()) {
      mixed += 1;
      count.change(
        name,
        'has capital letters: signing in makes names lower-case, so its tokens work and its sign-in not',
      );
    }
  }
  if (mixed > 0) taking.todo.push('Rename the people with capital letters in their names, or nobody signs in as them.');
}
