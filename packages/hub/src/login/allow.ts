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

/** What the rules look at. */
interface Facts {
  access: HubConfig['access'];
  lists: Lists;
  name: string;
  person: Person | undefined;
  claims: Claims | undefined;
}

interface Rule {
  rule: string;
  says: 'allows' | 'denies';
  when(facts: Facts): boolean;
  yes(facts: Facts): string;
  no: string | ((facts: Facts) => string);
}

const NOT_LISTED = 'The name is not in this list.';

/** Sign-in service's groups that the config lets in, as far as somebody has one. */
const groupOf = ({ lists, person, claims }: Facts) =>
  (claims?.groups ?? person?.authGroups ?? []).find((one) => lists.groups.has(one));

/** Every rule, denials first. Words are made only for who is told them: every request asks for the outcome. */
const RULES: readonly Rule[] = [
  {
    rule: 'blocked account',
    says: 'denies',
    when: ({ person }) => person?.blocked === true,
    yes: () => 'An administrator blocked this account.',
    no: 'The account is not blocked.',
  },
  {
    rule: 'access.blockedUsers',
    says: 'denies',
    when: ({ lists, name }) => lists.blocked.has(name),
    yes: () => 'The configuration blocks this name.',
    no: NOT_LISTED,
  },
  {
    rule: 'approval',
    says: 'denies',
    when: ({ person }) => person?.pending === true,
    yes: () => 'The account waits until an administrator approves it.',
    no: 'No approval is waited for.',
  },
  {
    rule: 'administrator',
    says: 'allows',
    when: ({ person, claims }) => person?.admin === true || claims?.admin === true,
    yes: () => 'The account is an administrator’s.',
    no: 'The account is not an administrator’s.',
  },
  {
    rule: 'access.adminUsers',
    says: 'allows',
    when: ({ lists, name }) => lists.admins.has(name),
    yes: () => 'The configuration makes this name an administrator.',
    no: NOT_LISTED,
  },
  {
    rule: 'account',
    says: 'allows',
    when: ({ person }) => Boolean(person?.allowedBy),
    yes: ({ person }) => MADE_BY[person?.allowedBy ?? ''] ?? `It was allowed by ${person?.allowedBy}.`,
    no: 'Nobody made or approved an account of this name.',
  },
  {
    rule: 'access.allowAll',
    says: 'allows',
    when: ({ access }) => access.allowAll,
    yes: () => 'Everybody who can sign in is allowed.',
    no: 'Not everybody is allowed.',
  },
  {
    rule: 'access.allowedUsers',
    says: 'allows',
    when: ({ lists, name }) => lists.allowed.has(name),
    yes: () => 'The name is in this list.',
    no: NOT_LISTED,
  },
  {
    rule: 'access.allowedGroups',
    says: 'allows',
    when: (facts) => groupOf(facts) !== undefined,
    yes: (facts) => `A member of ${groupOf(facts)} is allowed.`,
    no: 'In none of these groups.',
  },
  {
    rule: 'access.allowExistingUsers',
    says: 'allows',
    when: ({ access, person }) => access.allowExistingUsers && person !== undefined,
    yes: () => 'Everybody with an account here is allowed.',
    no: ({ access }) =>
      access.allowExistingUsers ? 'There is no account of this name yet.' : 'Having an account here is not enough.',
  },
];

/** Looked at only where servers are not isolated. */
const ISOLATION: Rule = {
  rule: 'isolation',
  says: 'denies',
  when: ({ person }) => person?.allowedBy !== 'first-admin',
  yes: () =>
    'Servers are not isolated from each other on this machine, so only the first administrator may sign in. ' +
    'An administrator can accept that with isolation: "none" in the configuration.',
  no: 'Only the first administrator may sign in, and this is that account.',
};
const NOT_ISOLATED: readonly Rule[] = [ISOLATION, ...RULES];

const rulesFor = ({ onlyFirstAdmin }: Pick<Context, 'onlyFirstAdmin'>) => (onlyFirstAdmin ? NOT_ISOLATED : RULES);

function factsOf({ config }: Context, name: string, person: Person | undefined, claims: Claims | undefined): Facts {
  return { access: config.access, lists: listsOf(config.access), name, person, claims };
}

/**
 * Every rule about one name, denials first. Pure: the one place that decides who is allowed (architecture §4).
 * `claims` is what the authenticator says now; without it, what it said at the last sign-in.
 */
export function judge(ctx: Context, name: string, person?: Person, claims?: Claims): Access {
  const facts = factsOf(ctx, name, person, claims);
  const rules = rulesFor(ctx).map(({ rule, says, when, yes, no }): RuleOutcome => {
    if (when(facts)) return { rule, outcome: says, detail: yes(facts) };
    return { rule, outcome: 'silent', detail: typeof no === 'string' ? no : no(facts) };
  });
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
  const facts = factsOf(ctx, user.name, user, undefined);
  // Denials come first, so the first rule that says anything settles it.
  return rulesFor(ctx).find(({ when }) => when(facts))?.says === 'allows';
}

/** The sentence that matters most to the person who is refused. */
export function reasonOf({ rules }: Access): string {
  const denial = rules.find(({ outcome }) => outcome === 'denies');
  return denial?.detail ?? 'Your name and password are right, but nobody has allowed this account to use the hub.';
}
