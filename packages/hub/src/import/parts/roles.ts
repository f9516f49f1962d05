import { insertRole, insertRoleMember, rolesHere } from '../import.repo.ts';
import { keyOf } from '../ledger.repo.ts';
import type { TableCount } from '../report.ts';
import type { Source } from '../source/schema.ts';
import { isScope, type Taking } from '../taking.ts';

/** Every installation has them (contract §4.4); what they say there when nobody changed it. */
const DEFAULT_ROLES: Readonly<Record<string, readonly string[] | undefined>> = {
  // An administrator may do everything here, whatever stands in the other hub's row.
  admin: undefined,
  user: ['self'],
  server: ['users:activity!user', 'access:servers!server'],
  token: ['inherit'],
};

type Role = Source['roles'][number];

export async function takeRoles(taking: Taking): Promise<void> {
  const { ctx, source } = taking;
  const count = taking.count('roles', source.roles.length);
  const here = await rolesHere(ctx.db);
  /** Roles of the database, which others than the configuration may give to somebody. */
  const stored = new Set(here);
  for (const role of source.roles) {
    const { name } = role;
    if (Object.hasOwn(DEFAULT_ROLES, name)) count.there(name, differenceOf(role));
    else if (!taking.wasTaken(count, 'role', name, name, (ours) => here.has(ours))) {
      if (ctx.roles.find(name)) count.there(name, 'stays as it is here');
      else {
        await takeRole(taking, count, role);
        stored.add(name);
      }
    }
  }
  await takeHolders(taking, stored);
  if (taking.added.some(({ kind }) => kind === 'role' || kind === 'role_member')) {
    taking.todo.push('Roles are read when the hub starts. If it runs: atrium restart');
  }
}

function differenceOf({ name, scopes }: Role): string | undefined {
  const usual = DEFAULT_ROLES[name];
  const same = !usual || [...scopes].sort().join() === [...usual].sort().join();
  return same ? undefined : 'has other scopes there; write them into the configuration (roles)';
}

async function takeRole(taking: Taking, count: TableCount, role: Role): Promise<void> {
  const { name, description } = role;
  const scopes = role.scopes.filter((scope) => isScope(taking, scope));
  if (scopes.length < role.scopes.length) {
    count.change(name, 'has scopes that do not exist here; they are left out (customScopes in the configuration)');
  }
  await insertRole(taking.ctx.db, { name, description, scopes: JSON.stringify(scopes), source: 'import' });
  taking.add('role', name, name);
  count.take();
}

async function takeHolders(taking: Taking, stored: ReadonlySet<string>): Promise<void> {
  const holders = taking.source.roles.flatMap(({ name: role, users, groups, services }) => [
    ...users.map((name) => ({ role, kind: 'user' as const, name })),
    ...groups.map((name) => ({ role, kind: 'group' as const, name })),
    ...services.map((name) => ({ role, kind: 'service' as const, name })),
  ]);
  const count = taking.count('who has which role', holders.length);
  const idOf = { user: taking.users, group: taking.groups, service: taking.services };
  for (const { role, kind, name } of holders) {
    await taking.breathe();
    const shown = `${kind} ${name}: ${role}`;
    const id = idOf[kind].get(name);
    const theirs = keyOf(role, kind, name);
    if (role === 'user' || (role === 'admin' && kind !== 'group')) {
      // Everybody has the one; the other is a column of the account or service.
      count.there(shown);
    } else if (id === undefined) {
      count.skip(shown, 'who has it is not taken over');
    } else if (taking.earlier('role_member', theirs) !== undefined) {
      count.there(shown);
    } else if (!stored.has(role)) {
      count.skip(shown, 'the role is of the configuration here: name them there');
    } else {
      const member = kind === 'user' ? String(id) : name;
      if (await insertRoleMember(taking.ctx.db, { role_name: role, kind, member })) {
        taking.add('role_member', theirs, keyOf(role, kind, member));
        count.take();
      } else count.there(shown);
    }
  }
}
