import { describe, expect, test } from 'vitest';
import { HubError } from './errors.ts';
import { ADMIN_SCOPES, SCOPES, SELF_SCOPES } from './scope-table.ts';
import {
  containsScopes,
  expandScopes,
  groupsNeeded,
  intersectScopes,
  parseScope,
  permits,
  type ScopeSet,
  type ScopeTarget,
  scopeList,
  scopesBeyond,
  subscopes,
  tokenScopes,
  unionScopes,
} from './scopes.ts';

const ada = { user: 'ada', server: 'ada/' };
const expand = (...texts: string[]) => expandScopes(texts, ada);
const list = (...texts: string[]) => scopeList(expand(...texts));
const groups: Record<string, string[]> = { ada: ['physics'], bob: ['physics', 'staff'], eve: [] };
const groupsOf = (user: string) => groups[user] ?? [];

describe('the table', () => {
  test('every included scope exists, and nothing includes itself', () => {
    for (const [name, { includes, words }] of Object.entries(SCOPES)) {
      expect(words).not.toBe('');
      for (const sub of includes) expect(Object.keys(SCOPES), `${name} includes ${sub}`).toContain(sub);
      expect(includes.flatMap((sub) => subscopes(sub))).not.toContain(name);
    }
  });

  test.each([
    [
      'admin:users',
      [
        'admin:auth_state',
        'users',
        'read:users',
        'list:users',
        'read:users:name',
        'read:users:groups',
        'read:users:activity',
        'users:activity',
        'read:roles:users',
        'delete:users',
      ],
    ],
    [
      'users',
      ['read:users', 'list:users', 'users:activity', 'read:users:name', 'read:users:groups', 'read:users:activity'],
    ],
    ['servers', ['read:servers', 'start:servers', 'delete:servers', 'read:users:name']],
    [
      'admin:servers',
      ['admin:server_state', 'servers', 'read:servers', 'start:servers', 'delete:servers', 'read:users:name'],
    ],
    ['tokens', ['read:tokens']],
    ['groups', ['read:groups', 'list:groups', 'read:groups:name']],
    [
      'shares',
      ['access:servers', 'read:shares', 'users:shares', 'groups:shares', 'read:users:shares', 'read:groups:shares'],
    ],
    ['read:roles', ['read:roles:users', 'read:roles:services', 'read:roles:groups']],
  ])('%s includes what the contract says and no more', (name, included) => {
    expect([...subscopes(name)].sort()).toEqual([name, ...included].sort());
  });

  test('managing servers does not include using them, and managing accounts does not include their tokens', () => {
    expect(subscopes('admin:servers')).not.toContain('access:servers');
    expect(subscopes('admin:users')).not.toContain('tokens');
    expect(subscopes('admin:users')).not.toContain('servers');
  });
});

describe('reading', () => {
  test.each([
    'all',
    'no:such',
    '',
    'servers!',
    'servers!user=',
    'servers!planet=x',
    'servers!group',
    'self!user=ada',
    'servers!user=a!server=b',
    '__proto__',
    'constructor',
  ])('%j is refused', (text) => {
    expect(() => parseScope(text)).toThrow(HubError);
  });

  test('values may hold anything but an exclamation mark', () => {
    expect(parseScope('read:users!user=a=b@c')).toEqual({ name: 'read:users', kind: 'user', value: 'a=b@c' });
    expect(parseScope('servers!user')).toEqual({ name: 'servers', kind: 'user', value: undefined });
  });
});

describe('expanding', () => {
  test('a filter goes along to everything included', () => {
    expect(list('servers!user=bob')).toEqual([
      'delete:servers!user=bob',
      'read:servers!user=bob',
      'read:users:name!user=bob',
      'servers!user=bob',
      'start:servers!user=bob',
    ]);
  });

  test('a server filter says nothing about a person', () => {
    expect(list('servers!server=bob/lab')).toEqual([
      'delete:servers!server=bob/lab',
      'read:servers!server=bob/lab',
      'servers!server=bob/lab',
      'start:servers!server=bob/lab',
    ]);
  });

  test('shorthand is the owner, and is dropped where there is none', () => {
    expect(list('users:activity!user', 'access:servers!server')).toEqual([
      'access:servers!server=ada/',
      'read:users:activity!user=ada',
      'users:activity!user=ada',
    ]);
    expect(scopeList(expandScopes(['access:servers!server', 'read:services!service'], { user: 'ada' }))).toEqual([]);
  });

  test('self is the seven scopes of a person for themselves: no sharing, no list of users', () => {
    const self = expand('self');
    expect(scopeList(self)).toEqual(list(...SELF_SCOPES.map((scope) => `${scope}!user=ada`)));
    expect(self.has('shares')).toBe(false);
    expect(self.has('list:users')).toBe(false);
    expect(expandScopes(['self'], { service: 'culler' }).size).toBe(0);
  });

  test('without a filter wins over with one; several filters add up', () => {
    expect(list('read:hub', 'access:servers!user=a', 'access:servers')).toEqual(['access:servers', 'read:hub']);
    expect(list('tokens!user=b', 'tokens!user=a', 'read:tokens!group=g')).toEqual([
      'read:tokens!group=g',
      'read:tokens!user=a',
      'read:tokens!user=b',
      'tokens!user=a',
      'tokens!user=b',
    ]);
  });
});

describe('permission', () => {
  const cases: [string, string, ScopeTarget, ReturnType<typeof permits>][] = [
    ['servers', 'start:servers', { user: 'bob', server: '' }, 'yes'],
    ['servers!user=ada', 'start:servers', { user: 'ada', server: 'lab' }, 'yes'],
    ['servers!user=ada', 'start:servers', { user: 'bob', server: 'lab' }, 'outside'],
    ['servers!server=ada/lab', 'start:servers', { user: 'ada', server: 'lab' }, 'yes'],
    ['servers!server=ada/lab', 'start:servers', { user: 'ada', server: '' }, 'outside'],
    ['servers!server=ada/lab', 'read:users:name', { user: 'ada' }, 'absent'],
    ['read:users!group=physics', 'read:users', { user: 'ada' }, 'yes'],
    ['read:users!group=physics', 'read:users', { user: 'eve' }, 'outside'],
    ['access:servers!group=physics', 'access:servers', { user: 'bob', server: 'x' }, 'yes'],
    ['read:groups!group=physics', 'read:groups', { group: 'physics' }, 'yes'],
    ['read:groups!group=physics', 'read:groups', { group: 'staff' }, 'outside'],
    ['access:services!service=grader', 'access:services', { service: 'grader' }, 'yes'],
    ['list:users!user=ada', 'list:users', {}, 'outside'],
    ['list:users', 'list:users', {}, 'yes'],
    ['read:users', 'users', { user: 'ada' }, 'absent'],
  ];
  test.each(cases)('%s, asked for %s of %j: %s', (held, name, target, answer) => {
    expect(permits(expand(held), name, target, groupsOf)).toBe(answer);
  });
});

describe('intersection', () => {
  const cases: [string[], string[], string[]][] = [
    [['read:hub'], ['read:hub'], ['read:hub']],
    [['read:hub'], ['proxy'], []],
    [['tokens'], ['read:tokens!user=ada'], ['read:tokens!user=ada']],
    [['access:servers!user=ada'], ['access:servers!user=bob'], []],
    [['access:servers!user=ada'], ['access:servers!server=ada/lab'], ['access:servers!server=ada/lab']],
    [['access:servers!group=physics'], ['access:servers!user=ada'], ['access:servers!user=ada']],
    [['access:servers!group=physics'], ['access:servers!user=eve'], []],
    [['access:servers!group=physics'], ['access:servers!server=bob/'], ['access:servers!server=bob/']],
    [['access:servers!group=physics'], ['access:servers!group=staff'], []],
    [['access:servers!group=physics'], ['access:servers!group=physics'], ['access:servers!group=physics']],
    [
      ['access:servers!user=ada', 'access:servers!user=bob'],
      ['access:servers!user=bob', 'access:servers!user=eve'],
      ['access:servers!user=bob'],
    ],
  ];
  test.each(cases)('%j ∩ %j = %j, in either order', (a, b, expected) => {
    expect(scopeList(intersectScopes(expand(...a), expand(...b), groupsOf))).toEqual(expected);
    expect(scopeList(intersectScopes(expand(...b), expand(...a), groupsOf))).toEqual(expected);
  });

  test('only people whose groups decide are asked for', () => {
    expect(groupsNeeded(expand('self'), expand('inherit'))).toEqual([]);
    expect(groupsNeeded(expand('self'), expand(...ADMIN_SCOPES))).toEqual([]);
    expect(groupsNeeded(expand('tokens!group=g', 'read:hub'), expand('tokens!user=ada', 'servers!user=eve'))).toEqual([
      'ada',
    ]);
    expect(groupsNeeded(expand('access:servers!server=bob/lab'), expand('access:servers!group=g'))).toEqual(['bob']);
  });
});

describe('tokens', () => {
  test('inherit is what the owner has now; anything else is cut down to it', () => {
    const owner = expand('self');
    expect(tokenScopes(['inherit'], ada, owner)).toBe(owner);
    expect(scopeList(tokenScopes(['read:users', 'admin:users', 'shutdown'], ada, owner))).toEqual([
      'read:users!user=ada',
      'read:users:activity!user=ada',
      'read:users:groups!user=ada',
      'read:users:name!user=ada',
      'users:activity!user=ada',
    ]);
  });

  test('what is beyond the owner is named', () => {
    expect(scopesBeyond(expand('self'), expand('read:hub', 'read:tokens!user=ada', 'read:tokens!user=bob'))).toEqual([
      'read:hub',
      'read:tokens!user=bob',
    ]);
  });
});

/** Small and repeatable: the same seeds on every machine. */
function* numbers(seed: number) {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

/** One group only: who is in two of them is not looked up, so two different groups have nothing in common. */
function randomSet(next: () => number): string[] {
  const pick = <T>(from: readonly T[]) => from[Math.floor(next() * from.length)] as T;
  const filters = [
    '',
    '',
    '!user=ada',
    '!user=bob',
    '!user=eve',
    '!group=physics',
    '!server=ada/',
    '!server=bob/lab',
    '!service=grader',
  ];
  return Array.from({ length: 1 + Math.floor(next() * 5) }, () => pick(Object.keys(SCOPES)) + pick(filters));
}

test('for any two sets: the intersection is within both, the union holds both, expansion changes nothing twice', () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const source = numbers(seed);
    const next = () => source.next().value as number;
    const [a, b] = [expand(...randomSet(next)), expand(...randomSet(next))];
    const both = intersectScopes(a, b, groupsOf);

    expect(containsScopes(a, both, groupsOf), `seed ${seed}`).toBe(true);
    expect(containsScopes(b, both, groupsOf), `seed ${seed}`).toBe(true);
    expect(containsScopes(unionScopes(a, b), a, groupsOf), `seed ${seed}`).toBe(true);
    expect(scopeList(intersectScopes(b, a, groupsOf)), `seed ${seed}`).toEqual(scopeList(both));
    // `read:users*` dropped under a server filter stays dropped.
    expect(scopeList(expand(...scopeList(a))), `seed ${seed}`).toEqual(scopeList(a));
    expect(allows(both), `seed ${seed}`).toEqual(allows(a).filter((one) => allows(b).includes(one)));
  }
});

/** Everything a set permits in a small world: what really matters about it. */
function allows(set: ScopeSet): string[] {
  const targets: ScopeTarget[] = [
    {},
    ...['ada', 'bob', 'eve'].flatMap((user) => [{ user }, { user, server: '' }, { user, server: 'lab' }]),
    { service: 'grader' },
  ];
  return [...set.keys()]
    .sort()
    .flatMap((name) =>
      targets
        .filter((target) => permits(set, name, target, groupsOf) === 'yes')
        .map((target) => `${name} ${JSON.stringify(target)}`),
    );
}
