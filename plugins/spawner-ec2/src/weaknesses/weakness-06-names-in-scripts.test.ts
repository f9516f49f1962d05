import { afterEach, expect, test } from 'vitest';
import { type Rig, startRig } from '../testing/rig.ts';
import { loginOf } from '../worker/login.ts';

/*
 * cloudJHub: the user name was spliced into a shell script that ran as root; e-mail addresses, which its own documents use
 * as names, broke `useradd`, and the start timed out.
 */

const NAMES = [
  'ada@example.org',
  'Ada Lovelace',
  'o’hara',
  "'; rm -rf / #",
  '$(reboot)',
  '`id`',
  '../../etc/passwd',
  '-rf',
  'root',
  '张伟',
  'a\nb',
  'x'.repeat(255),
  '%h/{{HUB_URL}}',
];

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.[Symbol.asyncDispose]();
  rig = undefined;
});

test.each(NAMES)('%j has a legal account of its own', (name) => {
  expect(loginOf(name)).toMatch(/^[a-z_][a-z0-9_-]{0,31}$/);
  expect(loginOf(name)).not.toBe('root');
  expect(loginOf(name)).toBe(loginOf(name));
});

test('different people have different accounts, however alike their names are', () => {
  const alike = ['ada@example.com', 'Ada', 'ADA', 'ada', 'ada-', 'ad a', ...NAMES];
  expect(new Set(alike.map(loginOf)).size).toBe(alike.length);
});

test('people with such names start, and their names are in no script', async () => {
  rig = await startRig();
  for (const [n, user] of NAMES.entries()) {
    rig.hub.begin(`s${n}`, { user });
    await rig.hub.until(`s${n}`, 'running');
    const [answer] = rig.agents.get(rig.living(`s${n}`)[0]!)!.answers;
    expect(answer!.login).toBe(loginOf(user));
  }
  const scripts = rig.sim.calls
    .all('RunInstances')
    .map(({ params }) => Buffer.from(String(params.UserData), 'base64').toString());
  // One and the same for everybody.
  expect(new Set(scripts).size).toBe(1);
  expect(rig.sim.violations).toEqual([]);
}, 60_000);
