import type { Identity } from '@atrium/sdk';
import type { HubConfig } from '../config/schema.ts';
import type { AppContext } from '../context.ts';
import { findUser, type User } from '../users/users.service.ts';

/** One rule and what it says about one name. `denies` wins over `allows`; nobody is in without an `allows`. */
export interface RuleOutcome {
  /** The config's key, or what about the account it looks at. */
  rule: string;
  outcome: 'allows' | 'denies' | 'silent';
  /** Plain words. */
  detail: string;
}

export interface Access {
  allowed: boolean;
  rules: RuleOutcome[];
}

type Context = Pick<AppContext, 'config' | 'onlyFirstAdmin'>;
type Person = Pick<User, 'allowedBy' | 'pending' | 'blocked' | 'admin' | 'authGroups'>;
type Claims = Pick<Identity, 'admin' | 'groups'>;

interface Lists {
  allowed: ReadonlySet<string>;
  blocked: ReadonlySet<string>;
  admins: ReadonlySet<string>;
  groups: ReadonlySet<string>;
}
const lists = new WeakMap<HubConfig['access'], Lists>();

/** Sets of the config's names, lower-cased as sign-in does: made once, because every request asks. */
function listsOf(access: HubConfig['access']): Lists {
  let found = lists.get(access);
  if (!found) {
    const names = (list: readonly string[]) => new Set(list.map((name) => name.toLowerCase()));
    found = {
      allowed: names(access.allowedUsers),
      blocked: names(access.blockedUsers),
      admins: names(access.adminUsers),
      groups: new Set(access.allowedGroups),
    };
    lists.set(access, found);
  }
  return found;
}

/** Whether the config names this person as an administrator. */
export function isConfiguredAdmin({ config }: Pick<AppContext, 'config'>, name: string): boolean {
  return listsOf(config.access).admins.has(name);
}

const MADE_BY: Record<string, string> = {
  'first-admin': 'It is the first administrator’s account.',
  administrator: 'An administrator made this account.',
  approval: 'An administrator approved this account.',
  import: 'The account was taken over from JupyterHub.',
  'sign-up': 'The account was made by sign-up while that was open to everybody.',
};

/**
 * Every rule about one name, denials first. Pure: the one place that decides who is allowed (architecture §4).
 * `claims` is what the authenticator says now; without it, what it said at the last sign-in.
 */
export function judge({ config, onlyFirstAdmin }: Context, name: string, person?: Person, claims?: Claims): Access {
  const { access } = config;
  const { allowed, blocked, admins, groups } = listsOf(access);
  const rules: RuleOutcome[] = [];
  const say = (rule: string, outcome: RuleOutcome['outcome'], detail: string) => rules.push({ rule, outcome, detail });
  const denies = (rule: string, when: boolean, yes: string, no: string) =>
    say(rule, when ? 'denies' : 'silent', when ? yes : no);
  const allows = (rule: string, when: boolean, yes: string, no: string) =>
    say(rule, when ? 'allows' : 'silent', when ? yes : no);

  if (onlyFirstAdmin) {
    denies(
      'isolation',
      person?.allowedBy !== 'first-admin',
      'Servers are not isolated from each other on this machine, so only the first administrator may sign in. ' +
        'An administrator can accept that with isolation: "none" in the configuration.',
      'Only the first administrator may sign in, and this is that account.',
    );
  }
  denies(
    'blocked account',
    person?.blocked === true,
    'An administrator blocked this account.',
    'The account is not blocked.',
  );
  denies(
    'access.blockedUsers',
    blocked.has(name),
    'The configuration blocks this name.',
    'The name is not in this list.',
  );
  denies(
    'approval',
    person?.pending === true,
    'The account waits until an administrator approves it.',
    'No approval is waited for.',
  );

  const admin = person?.admin === true || claims?.admin === true;
  allows('administrator', admin, 'The account is an administrator’s.', 'The account is not an administrator’s.');
  allows(
    'access.adminUsers',
    admins.has(name),
    'The configuration makes this name an administrator.',
    'The name is not in this list.',
  );
  const origin = person?.allowedBy ?? '';
  allows(
    'account',
    origin !== '',
    MADE_BY[origin] ?? `It was allowed by ${origin}.`,
    'Nobody made or approved an account of this name.',
  );
  allows('access.allowAll', access.allowAll, 'Everybody who can sign in is allowed.', 'Not everybody is allowed.');
  allows('access.allowedUsers', allowed.has(name), 'The name is in this list.', 'The name is not in this list.');
  const group = (claims?.groups ?? person?.authGroups ?? []).find((one) => groups.has(one));
  allows('access.allowedGroups', group !== undefined, `A member of ${group} is allowed.`, 'In none of these groups.');
  allows(
    'access.allowExistingUsers',
    access.allowExistingUsers && person !== undefined,
    'Everybody with an account here is allowed.',
    access.allowExistingUsers ? 'There is no account of this name yet.' : 'Having an account here is not enough.',
  );
  const said = (outcome: RuleOutcome['outcome']) => rules.some((one) => one.outcome === outcome);
  return { allowed: said('allows') && !said('denies'), rules };
}

/** Each rule and its outcome for a name: for the page that refuses, and for `atrium auth explain`. */
export async function explainAccess(
  ctx: Context & Pick<AppContext, 'db'>,
  name: string,
  identity?: Claims,
): Promise<Access> {
  return judge(ctx, name, await findUser(ctx.db, name), identity);
}

/** Whether somebody who signed in earlier is still allowed: a rule that is taken back ends what it allowed. */
export function mayStay(ctx: Context, user: User): boolean {
  return judge(ctx, user.name, user).allowed;
}

/** The sentence that matters most to the person who is refused. */
export function reasonOf({ rules }: Access): string {
  const denial = rules.find(({ outcome }) => outcome === 'denies');
  return denial?.detail ?? 'Your name and password are right, but nobody has allowed this account to use the hub.';
}
