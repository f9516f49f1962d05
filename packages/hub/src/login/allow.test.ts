import { expect, test } from 'vitest';
import type { z } from 'zod';
import { HubConfigSchema } from '../config/schema.ts';
import { judge, mayStay, reasonOf } from './allow.ts';

const Access = HubConfigSchema.shape.access;
type AccessInput = z.input<typeof Access>;

const ctx = (access: AccessInput = {}, onlyFirstAdmin = false) =>
  ({ config: { access: Access.parse(access) }, onlyFirstAdmin }) as Parameters<typeof judge>[0];
type Person = NonNullable<Parameters<typeof judge>[2]>;
type Claims = NonNullable<Parameters<typeof judge>[3]>;

const account: Person = { allowedBy: null, pending: false, blocked: false, admin: false, authGroups: [] };
const allowed = (...args: Parameters<typeof judge>) => judge(...args).allowed;

test('nobody is allowed without a rule', () => {
  expect(allowed(ctx(), 'ada')).toBe(false);
  expect(allowed(ctx(), 'ada', account)).toBe(false);
  expect(reasonOf(judge(ctx(), 'ada'))).toMatch(/nobody has allowed/);
});

test.each<[string, AccessInput, Partial<Person>, Claims | undefined]>([
  ['everybody', { allowAll: true }, {}, undefined],
  ['a name', { allowedUsers: ['Ada'] }, {}, undefined],
  ['a group said now', { allowedGroups: ['physics'] }, {}, { groups: ['x', 'physics'] }],
  ['a group said last time', { allowedGroups: ['physics'] }, { authGroups: ['physics'] }, undefined],
  ['an administrator by the config', { adminUsers: ['ada'] }, {}, undefined],
  ['an administrator by the authenticator', {}, {}, { admin: true }],
  ['an administrator by the account', {}, { admin: true }, undefined],
  ['an existing account', { allowExistingUsers: true }, {}, undefined],
  ['an approved account', {}, { allowedBy: 'approval' }, undefined],
  ['an account that an administrator made', {}, { allowedBy: 'administrator' }, undefined],
])('%s is allowed, and blocked, pending or unisolated is not', (_, access, change, claims) => {
  const person = { ...account, ...change };

  expect(allowed(ctx(access), 'ada', person, claims)).toBe(true);
  expect(allowed(ctx(access), 'ada', { ...person, blocked: true }, claims)).toBe(false);
  expect(allowed(ctx(access), 'ada', { ...person, pending: true }, claims)).toBe(false);
  expect(allowed(ctx({ ...access, blockedUsers: ['ADA'] }), 'ada', person, claims)).toBe(false);
  expect(allowed(ctx(access, true), 'ada', person, claims)).toBe(false);
});

test('what the authenticator says now about groups counts more than what it said last time', () => {
  const person = { ...account, authGroups: ['physics'] };

  expect(allowed(ctx({ allowedGroups: ['physics'] }), 'ada', person, { groups: [] })).toBe(false);
});

test('having an account is no rule for a name without one', () => {
  expect(allowed(ctx({ allowExistingUsers: true }), 'ada')).toBe(false);
});

test('where servers are not isolated only the first administrator is allowed, and the others are told why', () => {
  const first = { ...account, allowedBy: 'first-admin', admin: true };

  expect(allowed(ctx({}, true), 'ada', first)).toBe(true);
  expect(allowed(ctx({}, true), 'ada', { ...first, blocked: true })).toBe(false);
  const other = judge(ctx({ allowAll: true }, true), 'bob', { ...first, allowedBy: 'administrator' });
  expect(other.allowed).toBe(false);
  expect(reasonOf(other)).toMatch(/not isolated/);
});

test('every rule is named with its outcome and a sentence', () => {
  const { rules } = judge(ctx({ allowedUsers: ['ada'], blockedUsers: ['ada'] }), 'ada');

  expect(Object.fromEntries(rules.map(({ rule, outcome }) => [rule, outcome]))).toEqual({
    'blocked account': 'silent',
    'access.blockedUsers': 'denies',
    approval: 'silent',
    administrator: 'silent',
    'access.adminUsers': 'silent',
    account: 'silent',
    'access.allowAll': 'silent',
    'access.allowedUsers': 'allows',
    'access.allowedGroups': 'silent',
    'access.allowExistingUsers': 'silent',
  });
  expect(rules.every(({ detail }) => detail.endsWith('.'))).toBe(true);
});

test('whether somebody may stay is what the rules say one by one, for every account under every rule', () => {
  const flags = [false, true];
  const rules: AccessInput[] = [{}, { allowAll: true }, { allowedUsers: ['ada'] }, { adminUsers: ['ada'] }];
  rules.push({ allowedGroups: ['physics'] }, { allowExistingUsers: true }, { allowAll: true, blockedUsers: ['ada'] });
  const outcomes = new Set<boolean>();

  for (const access of rules)
    for (const isolated of flags)
      for (const blocked of flags)
        for (const pending of flags)
          for (const admin of flags)
            for (const allowedBy of [null, 'approval', 'first-admin'])
              for (const authGroups of [[], ['physics']]) {
                const person = { ...account, name: 'ada', blocked, pending, admin, allowedBy, authGroups };
                const stays = mayStay(ctx(access, !isolated), person as unknown as Parameters<typeof mayStay>[1]);
                expect(stays, JSON.stringify({ access, person })).toBe(allowed(ctx(access, !isolated), 'ada', person));
                outcomes.add(stays);
              }

  expect([...outcomes].sort()).toEqual([false, true]);
});
