import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testChromium } from '../../tools/test-machine.ts';
import { startChromium, type TestChromium } from '../lib/hub.ts';
import { type AdminWorld, shootView, startAdminWorld, violationsOf } from './world.ts';

/** On a machine that does something else, too. */
const PATIENT = { timeout: 30_000 };

const VIEWS = {
  overview: ['', 'Overview'],
  people: ['/people?q=a&sort=-name&cols=servers.groups.roles.created', 'People'],
  'people-none': ['/people?q=nobody-has-this-name', 'People'],
  person: ['/people/ada', 'ada'],
  'person-none': ['/people/nobody', 'nobody'],
  servers: ['/servers', 'Servers'],
  groups: ['/groups', 'Groups'],
  group: ['/groups/physics', 'physics'],
  services: ['/services', 'Services'],
  announcements: ['/announcements', 'Announcements'],
  import: ['/import', 'Bring in a list of people'],
} as const;

describe.skipIf(!testChromium())('the page of administrators', () => {
  let world: AdminWorld;
  let chromium: TestChromium;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    [world, chromium] = await Promise.all([startAdminWorld(), startChromium()]);
    ({ page, complaints } = await world.open(chromium));
  });
  afterAll(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await world?.[Symbol.asyncDispose]();
  });

  const show = async (path: string, heading: string) => {
    await page.goto(world.view(path));
    await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
  };
  const settled = async () => {
    await expect.poll(() => page.locator('[aria-busy="true"], .waiting').count(), PATIENT).toBe(0);
  };
  const start = async (...names: string[]) => {
    for (const name of names) expect((await world.api('POST', `/users/${name}/server`, {})).status).toBeLessThan(300);
  };
  const rowOf = (name: string) => page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
  const said = () => page.locator('.toasts');

  test('every view: no rule of accessibility is broken, in light and in dark, and none is wider than its window', async () => {
    await start('ada', 'bob');
    expect((await world.api('POST', '/users/unlucky/server', {})).status).toBeLessThan(600);
    const later = new Date(Date.now() + 86_400_000).toISOString();
    for (const body of [
      { text: 'The hub is down on Saturday.', level: 'warning' },
      { text: 'Physics begins.', starts_at: later },
    ]) {
      expect((await world.api('POST', '/atrium/announcements', body)).status).toBe(201);
    }
    const found: string[] = [];

    for (const [name, [path, heading]] of Object.entries(VIEWS)) {
      await show(path, heading);
      await settled();
      for (const details of await page.locator('#admin details:not(.chooser)').all())
        await details.evaluate((node) => node.setAttribute('open', ''));
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await shootView(page, `${name}-${colorScheme}`);
        found.push(...(await violationsOf(page)).map((text) => `${name} in ${colorScheme}: ${text}`));
      }
      await page.emulateMedia({ colorScheme: 'light' });
      await page.setViewportSize({ width: 320, height: 800 });
      await shootView(page, `${name}-phone`);
      const over = Number(await page.evaluate('document.documentElement.scrollWidth - innerWidth'));
      if (over > 0) found.push(`${name} is ${over} px wider than a phone`);
      await page.setViewportSize({ width: 1200, height: 800 });
    }

    expect(found).toEqual([]);
    // The person who is not there; nothing against the content policy.
    expect(complaints.filter((text) => !/status of 404/.test(text))).toEqual([]);
  }, 300_000);

  test('typing finds one of three thousand, and the address is the view: loaded again, gone back to', async () => {
    await show('/people', 'People');
    await page.getByText('1 to 50 of 3,006').waitFor();

    await page.getByLabel('Name contains').pressSequentially('NEED');
    await page.getByText('1 to 1 of 1').waitFor();
    expect(await page.getByRole('table').getByRole('link').allInnerTexts()).toEqual(['needle']);
    expect(new URL(page.url()).searchParams.get('q')).toBe('NEED');

    await page.reload();
    await page.getByText('1 to 1 of 1').waitFor();
    expect(await page.getByLabel('Name contains').inputValue()).toBe('NEED');

    await page.getByRole('link', { name: 'needle' }).click();
    await page.getByRole('heading', { level: 1, name: 'needle' }).waitFor();
    await page.goBack();
    await page.getByText('1 to 1 of 1').waitFor();

    await page.getByLabel('Name contains').fill('student');
    await page.getByText('1 to 50 of 3,000').waitFor();
    await page.getByRole('button', { name: 'Last', exact: true }).click();
    await page.getByText('2,951 to 3,000 of 3,000').waitFor();
    await page.getByRole('button', { name: 'Name', exact: true }).click();
    await page.getByRole('link', { name: 'student2999' }).waitFor();
    expect(await page.getByRole('columnheader', { name: 'Name' }).getAttribute('aria-sort')).toBe('descending');

    await page.getByLabel('Name contains').fill('no such person');
    await page.getByText('Nobody fits.').waitFor();
    await page.getByRole('button', { name: 'Show everybody' }).click();
    await page.getByText('1 to 50 of 3,006').waitFor();
  });

  test('everybody who fits one filter is not everybody who fits the one that Back leads to', async () => {
    await show('/people?q=student00', 'People');
    await page.getByText('1 to 50 of 100').waitFor();
    await page.getByRole('button', { name: 'Next', exact: true }).click();
    await page.getByText('51 to 100 of 100').waitFor();
    await page.getByLabel('Name contains').fill('student01');
    await page.getByText('1 to 50 of 100').waitFor();
    await page.getByRole('link', { name: 'student0100' }).waitFor();
    await page.getByLabel('Choose all on this page').check();
    await page.getByRole('button', { name: 'Choose all 100 that fit' }).click();
    await page.getByText('100 chosen').waitFor();

    await page.goBack();
    await page.getByRole('link', { name: 'student0001' }).waitFor();
    expect(await page.getByText(/\d chosen/).count()).toBe(0);
    expect(await page.getByLabel('Choose student0001').isChecked()).toBe(false);
  });

  test('by keyboard alone: choose a range, see what would happen, do it, see what did, undo it', async () => {
    await start('student0010', 'student0012');
    await show('/people?q=student001', 'People');
    await page.getByText('1 to 10 of 10').waitFor();
    await page.getByLabel('Choose student0010').focus();
    await page.keyboard.press('Space');
    for (const _ of [1, 2, 3]) for (const __ of [1, 2]) await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Choose student0013');
    await page.keyboard.press('Shift+Space');
    await page.getByText('4 chosen').waitFor();

    await page.getByLabel('What to do with them').selectOption('stop');
    await page.getByLabel('What to do with them').press('Tab');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Stop servers' });
    await dialog.getByLabel('What they should know').waitFor();
    // Everything behind a dialog is out of reach.
    await page.keyboard.press('Tab');
    await dialog.getByLabel('What they should know').fill('The lesson is over.');
    await page.keyboard.press('Enter');
    await dialog.getByText('2 will happen').waitFor();
    await dialog.getByText('2 already so').waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await shootView(page, 'bulk-preview');
    await dialog.getByRole('button', { name: 'Stop 2 servers' }).press('Enter');
    await dialog.getByText('This is what happened.').waitFor();
    await dialog.getByText('2 done').waitFor();
    await shootView(page, 'bulk-results');
    const phase = async (name: string) =>
      (
        (await world.api('GET', `/users/${name}?include_stopped_servers=1`)).body as {
          servers: Record<string, { stopped: boolean }>;
        }
      ).servers['']?.stopped;
    await expect.poll(() => phase('student0012'), PATIENT).toBe(true);

    await dialog.getByRole('button', { name: 'Undo what was done' }).press('Enter');
    await page
      .getByRole('dialog', { name: 'Start servers' })
      .getByRole('button', { name: 'Start 2 servers' })
      .press('Enter');
    await page.getByText('This is what happened.').waitFor();
    await expect.poll(() => phase('student0012'), PATIENT).toBe(false);
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count(), PATIENT).toBe(0);
    // The focus is where it was before the question.
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Preview');
  });

  test('servers come, fail and go in the live table without loading it again', async () => {
    await show('/servers', 'Servers');
    await page.getByText('Up to date').waitFor();
    expect(await rowOf('emmy').count()).toBe(0);

    await start('emmy');
    await world.api('POST', '/users/unlucky/server', {});
    await rowOf('emmy').getByText('Running').waitFor();
    await rowOf('unlucky').getByText('Servers of unlucky fail, as configured.').first().waitFor();

    await rowOf('emmy').getByRole('button', { name: /^Stop/ }).click();
    await said().getByText('emmy’s server is being stopped.').waitFor();
    await expect.poll(() => rowOf('emmy').count(), PATIENT).toBe(0);
    await said().getByRole('button', { name: 'Undo' }).click();
    await rowOf('emmy').getByText('Running').waitFor();

    await page.getByLabel('State').selectOption('problem');
    await expect.poll(() => rowOf('emmy').count(), PATIENT).toBe(0);
    expect(await rowOf('unlucky').count()).toBe(1);
  });

  test('a list with errors names their lines and brings in nobody; corrected, it does what the check said', async () => {
    await show('/import', 'Bring in a list of people');
    const text = page.getByLabel('Or its text');
    await text.fill('name,groups,admin\nlise,physics;new course,\nbad/name,,\notto,,perhaps\n');
    await page.getByRole('button', { name: 'Check, change nothing' }).click();

    await page.getByText('2 errors').waitFor();
    const lines = await page.getByRole('table').first().locator('tbody tr').allInnerTexts();
    expect(lines.map((line) => line.split('\t')[0])).toEqual(['3', '4']);
    expect(await page.getByRole('button', { name: /^Bring in/ }).count()).toBe(0);
    expect(await violationsOf(page)).toEqual([]);
    await shootView(page, 'import-errors');

    await text.fill('name,groups,admin\nlise,physics;new course,\nada,physics,\notto,,\n');
    await page.getByRole('button', { name: 'Check, change nothing' }).click();
    await page.getByText('2 new, 0 changed, 1 as they are already.').waitFor();
    await page.getByText('new course (new)').waitFor();
    await page.getByRole('button', { name: 'Bring in 2 people' }).click();
    await page.getByText('They are in.').waitFor();

    await page.getByRole('link', { name: 'See them' }).click();
    await rowOf('lise').getByText('new course, physics').waitFor();
    await rowOf('otto').waitFor();
  });

  test('an import is what was checked, and each of its password links is there and in the file', async () => {
    const people = Array.from({ length: 201 }, (_, n) => `new${n}`);
    const sent: { csv: string; dry_run: boolean }[] = [];
    const answered = Promise.withResolvers<void>();
    await page.route('**/api/atrium/overview', async (route) => {
      const answer = await route.fetch();
      const overview = (await answer.json()) as { features: object };
      await route.fulfill({ json: { ...overview, features: { ...overview.features, accounts: true } } });
    });
    await page.route('**/api/atrium/people/import', async (route) => {
      const wish = route.request().postDataJSON() as (typeof sent)[number];
      sent.push(wish);
      if (sent.length === 1) await answered.promise;
      const link = { url: '/lab/hub/password?token=', expires_at: '2099-01-01T00:00:00.000Z' };
      const rows = people.map((name, at) => ({
        ...{ line: at + 2, name, outcome: 'create', admin: null, add_groups: [], new_groups: [], message: null },
        ...(!wish.dry_run && { link: { ...link, url: link.url + name } }),
      }));
      const totals = { create: rows.length, change: 0, same: 0, error: 0 };
      const about = { delimiter: ',', columns: ['name'], ignored_columns: [], errors: [], totals };
      await route.fulfill({ json: { ...about, dry_run: wish.dry_run, applied: !wish.dry_run, rows } });
    });
    await show('/import', 'Bring in a list of people');
    const check = page.getByRole('button', { name: 'Check, change nothing' });

    await page.getByLabel('A file').setInputFiles({
      name: 'latin.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from('name\njosé\n', 'latin1'),
    });
    await page.getByText(/Save the file as UTF-8/).waitFor();
    await check.click();
    expect(sent).toEqual([]);

    await page.getByLabel('Or its text').fill('name\nolder');
    await page.getByLabel('Make a password link for each new account').check();
    await check.click();
    await page.getByLabel('Or its text').fill('name\nnewer');
    answered.resolve();
    await expect.poll(() => check.isEnabled(), PATIENT).toBe(true);
    expect(await page.getByRole('button', { name: /^Bring in/ }).count()).toBe(0);

    await check.click();
    await page.getByText('The first 200 are shown.').waitFor();
    await page.getByRole('button', { name: 'Bring in 201 people' }).click();
    await page.getByText('They are in.').waitFor();
    expect(sent.at(-1)).toMatchObject({ csv: 'name\nnewer', dry_run: false });
    expect(await page.getByRole('cell', { name: /token=new/ }).count()).toBe(201);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save 201 links' }).click(),
    ]);
    const lines = readFileSync(await file.path(), 'utf8')
      .trimEnd()
      .split('\r\n');
    expect([file.suggestedFilename(), lines.length, lines[0]]).toEqual(['password-links.csv', 202, 'name,link']);
    expect(lines.at(-1)).toBe(`new200,${world.hub.origin}/lab/hub/password?token=new200`);
    expect(await violationsOf(page)).toEqual([]);
    await page.unrouteAll();
  });

  test('a group: people in and out with undo, properties that are not JSON are refused with the reason', async () => {
    await show('/groups', 'Groups');
    await page.getByLabel('Name of the new group').fill('chemistry');
    await page.getByRole('button', { name: 'Make the group' }).click();
    await page.getByRole('link', { name: 'chemistry' }).click();
    await page.getByLabel('Names of people to put in').fill('ada, bob');
    await page.getByRole('button', { name: 'Put in', exact: true }).click();
    await page.getByRole('button', { name: 'Take out ada' }).click();
    await said().getByText('ada is not in chemistry any more.').waitFor();
    await said().getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Take out ada' }).waitFor();

    // Who was in it before stays in it.
    await page.getByLabel('Names of people to put in').fill('ADA needle');
    await page.getByRole('button', { name: 'Put in', exact: true }).click();
    await page.getByRole('button', { name: 'Take out needle' }).waitFor();
    await said().getByText('ADA, needle').waitFor();
    await said().getByRole('button', { name: 'Undo' }).click();
    await said().getByText('Undone.').waitFor();
    expect((await world.api('GET', '/groups/chemistry')).body).toMatchObject({ users: ['ada', 'bob'] });

    await page.getByLabel('As JSON').fill('{ room: 12 }');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText(/This is not JSON/).waitFor();
    await page.getByLabel('As JSON').fill('{ "room": 12 }');
    await page.getByRole('button', { name: 'Save' }).click();
    await said().getByText('Saved.').waitFor();

    await page.getByRole('button', { name: 'Delete the group chemistry' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete the group chemistry' }).click();
    await said().getByText('The group chemistry is deleted.').waitFor();
    expect((await world.api('GET', '/groups/chemistry')).status).toBe(404);
    await said().getByRole('button', { name: 'Undo' }).click();
    await said().getByText('Undone.').waitFor();
    expect((await world.api('GET', '/groups/chemistry')).body).toMatchObject({
      users: ['ada', 'bob'],
      properties: { room: 12 },
    });
  });

  test('one person: blocked with undo, in a group, why they may sign in; deleting asks and says what is lost', async () => {
    await show('/people/emmy', 'emmy');
    await page.getByText('An administrator made this account.').first().waitFor();
    await page.getByRole('button', { name: 'Block emmy', exact: true }).click();
    await page.getByRole('button', { name: 'Unblock emmy' }).waitFor();
    expect((await world.api('GET', '/atrium/people/emmy')).body).toMatchObject({ person: { blocked: true } });
    await said().getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Block emmy', exact: true }).waitFor();

    await page.getByLabel('Put into the group').fill('physics');
    await page.getByRole('button', { name: 'Put in', exact: true }).click();
    await page.getByRole('link', { name: 'physics' }).waitFor();
    await page.getByLabel('Servers stop when idle').selectOption({ label: 'after 2 h' });
    await said().getByText('Saved.').waitFor();
    expect((await world.api('GET', '/atrium/people/emmy')).body).toMatchObject({
      person: { stop_after: 7200, groups: ['physics'] },
    });
    await page.getByText('user.unblock').waitFor();

    await page.getByRole('button', { name: 'Delete emmy' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete accounts' });
    await dialog.getByText(/Home folders are kept/).waitFor();
    const failed = {
      kind: 'person',
      name: 'emmy',
      outcome: 'failed',
      code: 'x',
      message: 'Their server does not stop.',
    };
    await page.route('**/api/atrium/bulk', (route) => route.fulfill({ json: { results: [failed] } }), { times: 1 });
    await dialog.getByRole('button', { name: 'Delete 1 account' }).click();
    await dialog.getByText('Their server does not stop.').waitFor();
    expect(await said().getByText('emmy is deleted.').count()).toBe(0);
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { level: 1, name: 'emmy' }).waitFor();

    await page.getByRole('button', { name: 'Delete emmy' }).click();
    await dialog.getByRole('button', { name: 'Delete 1 account' }).click();
    await said().getByText('emmy is deleted.').waitFor();
    expect((await world.api('GET', '/users/emmy')).status).toBe(404);
  });

  test('an announcement is written, seen by everybody, deleted and brought back', async () => {
    await show('/announcements', 'Announcements');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByText('Write what people shall read.').waitFor();
    await page.getByLabel('Text').fill('Maintenance on Friday.');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('button', { name: 'Change: Maintenance on Friday.' }).waitFor();

    const { page: other } = await chromium.person();
    await other.goto(`${world.hub.origin}/lab/hub/login`);
    await other.getByText('Maintenance on Friday.').waitFor();
    await page.getByRole('button', { name: 'Delete: Maintenance on Friday.' }).click();
    await said().getByText('It is deleted.').waitFor();
    await other.reload();
    expect(await other.getByText('Maintenance on Friday.').count()).toBe(0);
    await said().getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Change: Maintenance on Friday.' }).waitFor();
    await other.close();
  });

  test('a hub that does not answer: the page says so, and goes on when it is asked again', async () => {
    await page.route('**/api/atrium/people?*', (route) => route.abort());
    await show('/people', 'People');
    await page.getByRole('alert').getByText('The hub does not answer.').waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await shootView(page, 'offline');

    await page.unroute('**/api/atrium/people?*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('table').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });
});
