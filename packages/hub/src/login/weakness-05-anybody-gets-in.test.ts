import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createFirstAdminLink } from './links.service.ts';
import { GOOD, loginHub, signInWith } from './test-hub.ts';

/*
 * cloudJHub: as it was shipped, whoever knew a listed name got in without a password, the list held administrators,
 * and passwords were printed into the log. (That all of it went over plain HTTP: see the cluster's test of this number.)
 */

const NAMES = ['admin', 'adminuser', 'user1', '__tokengeneratoradmin', 'root', 'ada'];

test.each(['', 'password', 'admin'])('nobody gets in with the password %j, whatever the name', async (password) => {
  await using hub = await loginHub();
  await hub.person('ada');

  for (const name of NAMES) {
    const browser = hub.browser();
    await signInWith(browser, name, password);
    expect((await browser.fetch('/hub/home', { redirect: 'manual' })).status, name).not.toBe(200);
  }
});

test('a new hub knows nobody; only who has the link, made on its machine, becomes its first administrator', async () => {
  await using hub = await loginHub();
  const { n } = await hub.ctx.db
    .selectFrom('users')
    .select(({ fn }) => fn.countAll().as('n'))
    .executeTakeFirstOrThrow();
  expect(Number(n)).toBe(0);

  const link = await createFirstAdminLink(hub.ctx);
  expect(new URL(link!.path, hub.origin).href).toMatch(/[\w-]{30,}/);

  await hub.person('grace', { admin: true });
  expect(await createFirstAdminLink(hub.ctx)).toBeNull();
});

test('a password that is right, or wrong, is in no line of the log', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  await using hub = await loginHub({ log });
  await hub.person('ada');

  await signInWith(hub.browser(), 'ada', GOOD);
  await signInWith(hub.browser(), 'ada', 'entirely wrong words');

  expect(lines.join('\n')).toContain('ada');
  for (const secret of [GOOD, 'entirely wrong words']) {
    expect(lines.join('\n')).not.toContain(secret);
    expect(lines.join('\n')).not.toContain(encodeURIComponent(secret));
  }
});
