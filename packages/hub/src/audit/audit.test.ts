import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { apiHub, onBothDatabases, PASSWORD } from '../api/test-hub.ts';
import { runVerb } from '../commands/commands.service.ts';
import type { ApiCall, TestHub } from '../testing/index.ts';
import { shiftedClock } from '../testing/shifted-clock.ts';
import { auditAll } from './audit.service.ts';

const WAIT = 10_000;

interface Entry {
  id: number;
  action: string;
  by: { kind: string; name: string };
  via: string;
  token: string | null;
  from: string | null;
  of: { kind: string; name: string; owner: string | null } | null;
  request_id: string | null;
  detail: Record<string, unknown>;
}

async function search(api: ApiCall, query = ''): Promise<{ items: Entry[]; next: number | null }> {
  const { status, body } = await api('GET', `/atrium/audit?${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body as { items: Entry[]; next: number | null };
}

const told = ({ items }: { items: Entry[] }) =>
  items.map(({ action, by, of }) => [action, by.name || by.kind, of?.name]);

onBothDatabases((on) => {
  test('what people and programs change is there: who, to whom, from where, with which token', async () => {
    await using hub = await apiHub({ on });
    const root = await hub.api({ name: 'root', admin: true });
    await hub.api({ name: 'ada' });

    expect((await root('POST', '/users', { usernames: ['emmy', 'fay'] })).status).toBe(201);
    expect((await root('PATCH', '/users/fay', { name: 'faye' })).status).toBe(200);
    expect((await root('DELETE', '/users/faye')).status).toBe(204);
    const made = await root('POST', '/users/ada/tokens', { note: 'for a script', scopes: ['read:users!user=ada'] });
    const { id, token } = made.body as { id: string; token: string };
    expect((await root('DELETE', `/users/ada/tokens/${id}`)).status).toBe(204);

    const all = await search(root, 'by=root');
    expect(told(all).reverse()).toEqual([
      ['user.create', 'root', 'emmy'],
      ['user.create', 'root', 'fay'],
      ['user.change', 'root', 'faye'],
      ['user.delete', 'root', 'faye'],
      ['token.create', 'root', id],
      ['token.revoke', 'root', id],
    ]);
    for (const entry of all.items) {
      expect(entry).toMatchObject({ via: 'token', from: '127.0.0.1', by: { kind: 'user' } });
      expect(entry.token).toMatch(/^a\d+$/);
      expect(entry.request_id).toMatch(/^[0-9a-f]{16}$/);
    }
    expect(all.items[1]).toMatchObject({
      of: { kind: 'token', owner: 'ada' },
      detail: { note: 'for a script', scopes: ['read:users!user=ada'] },
    });
    expect(JSON.stringify(all)).not.toContain(token);

    expect(told(await search(root, 'user=ada&action=token'))).toHaveLength(3);
    expect(told(await search(root, 'q=FAY&action=user.create'))).toEqual([['user.create', 'root', 'fay']]);
    expect(told(await search(root, 'q=100%25'))).toEqual([]);
    const first = await search(root, 'by=root&limit=4');
    const rest = await search(root, `by=root&limit=4&before=${first.next}`);
    expect([...first.items, ...rest.items]).toEqual(all.items);
    expect(rest.next).toBeNull();
    expect(told(await search(root, 'by=root&since=2099-01-01'))).toEqual([]);
    expect(told(await search(root, 'by=root&until=2000-01-01T00:00:00Z'))).toEqual([]);
    expect(told(await search(root, 'q=%00'))).toEqual([]);
    for (const wrong of ['since=yesterday', 'limit=0', 'limit=1000', 'before=x']) {
      expect((await root('GET', `/atrium/audit?${wrong}`)).status, wrong).toBe(400);
    }
  });

  test('a sign-in, a wrong password, a start, a stop and a sign-out; never a password', async () => {
    await using hub = await apiHub({ on });
    const root = await hub.api({ name: 'root', admin: true });
    const browser = hub.browser();
    await browser.submit('/hub/login', { username: 'ada', password: PASSWORD });
    await hub.browser().submit('/hub/login', { username: 'my-password-by-mistake', password: 'x' });
    const other = hub.browser();
    await other.submit('/hub/login', { username: 'ada', password: 'not-the-password' });
    await root('POST', '/users/ada/server');
    await root('POST', '/users/ada/server');
    await root('DELETE', '/users/ada/server');
    await browser.fetch('/hub/logout');

    const all = await search(root, 'of=ada');
    const acts = told(all).filter(([action]) => action !== 'token.create');
    expect(acts.reverse()).toEqual([
      ['user.create', 'ada', 'ada'],
      ['session.begin', 'ada', 'ada'],
      ['session.refuse', 'nobody', 'ada'],
      ['server.start', 'root', 'ada'],
      ['server.stop', 'root', 'ada'],
      ['session.end', 'ada', 'ada'],
    ]);
    const text = JSON.stringify(await search(root));
    for (const secret of [PASSWORD, 'not-the-password', 'my-password-by-mistake']) expect(text).not.toContain(secret);
  });

  test('old entries are forgotten, newer ones stay', async () => {
    const clock = shiftedClock(Date.UTC(2026, 0, 1));
    await using hub = await apiHub({ on, clock, controller: false, config: { audit: { keep: '30d' } } });
    const root = await hub.api({ name: 'root', admin: true });
    await root('POST', '/users/ada');
    clock.move(20 * 86_400_000);
    await root('POST', '/users/bob');
    clock.move(11 * 86_400_000);

    hub.hub.startController();

    await expect
      .poll(async () => told(await search(root, 'action=user.create')), { timeout: WAIT })
      .toEqual([['user.create', 'root', 'bob']]);
  });

  test('more than one reading of it fits into the file', async () => {
    await using hub = await apiHub({ on, controller: false });
    const root = await hub.api({ name: 'root', admin: true });
    const entries = Array.from({ length: 1_200 }, (_, at) => ({
      action: 'user.create' as const,
      of: { kind: 'user', name: `p${at}` },
    }));
    await auditAll(hub.ctx, entries);

    const { body } = await root('GET', '/atrium/audit.csv?action=user.create');
    const lines = (body as string).trimEnd().split('\r\n');

    expect(lines).toHaveLength(1_201);
    expect(lines[0]).toBe('time,action,by_kind,by,via,token,from,of_kind,of,owner,request,detail');
    expect(lines[1]).toContain(',user.create,hub,,hub,,,user,p1199,p1199,,{}');
    expect(lines.at(-1)).toContain(',p0,');
  });
});

/** A browser that is signed in. */
async function signedIn(hub: TestHub, name: string) {
  const browser = hub.browser();
  await browser.submit('/hub/login', { username: name, password: PASSWORD });
  return browser;
}

test('the page shows and finds entries for administrators; its file cannot run a formula', async () => {
  await using hub = await apiHub({ controller: false });
  const root = await hub.api({ name: 'root', admin: true });
  for (const name of ['=cmd|calc', '+1', '-1', '@sum']) await root('POST', '/users', { usernames: [name] });
  const browser = await signedIn(hub, 'root');

  const page = await (await browser.fetch('/hub/admin/audit?action=user')).text();
  const found = await (await browser.fetch('/hub/admin/audit?q=%2B1&action=user.create')).text();
  const wrong = await browser.fetch('/hub/admin/audit?since=never');
  const file = await browser.fetch('/hub/admin/audit.csv?action=user.create');
  const text = await file.text();

  expect(page).toContain('=cmd|calc');
  expect(page).not.toContain('session.begin');
  expect([found.includes('user +1'), found.includes('user @sum')]).toEqual([true, false]);
  expect([wrong.status, (await wrong.text()).includes('Write days as 2026-11-21.')]).toEqual([400, true]);
  expect(file.headers.get('content-disposition')).toBe('attachment; filename="audit.csv"');
  for (const name of ['=cmd|calc', '+1', '-1', '@sum']) expect(text).toContain(`,user,"'${name}","'${name}",`);
  expect(await (await browser.fetch('/hub/admin/plain')).text()).toContain('href="/hub/admin/audit"');
});

test('nobody else sees the audit trail, neither all of it nor their part', async () => {
  await using hub = await apiHub({ controller: false });
  const root = await hub.api({ name: 'root', admin: true }, ['read:users', 'admin:users!user=ada']);
  const ada = await hub.api({ name: 'ada' });
  const browser = await signedIn(hub, 'ada');

  for (const path of ['/atrium/audit', '/atrium/audit?user=ada', '/atrium/audit.csv']) {
    expect([(await ada('GET', path)).status, (await root('GET', path)).status], path).toEqual([403, 403]);
  }
  for (const path of ['/hub/admin/audit', '/hub/admin/audit.csv']) {
    expect((await browser.fetch(path)).status, path).toBe(403);
  }
});

test('what the operator does on the command line is by the operator, what the hub does by the hub', async () => {
  await using hub = await apiHub({ controller: false });
  const root = await hub.api({ name: 'root', admin: true });

  await runVerb(hub.ctx, 'user-add', { name: 'emmy', admin: true });
  await runVerb(hub.ctx, 'group-add', { name: 'physics', users: ['emmy'] });

  const { items } = await search(root, 'q=emmy');
  expect(items.map(({ action, by, via, from }) => [action, by.kind, via, from])).toEqual([
    ['group.create', 'operator', 'command', null],
    ['user.create', 'operator', 'command', null],
  ]);
  expect(items[1]?.detail).toEqual({ admin: true });
});

test('a service that was added and removed through the API is there, its token is not', async () => {
  await using hub = await apiHub({ controller: false });
  const root = await hub.api({ name: 'root', admin: true });
  const apiToken = 'abcdefgh-of-a-service';

  const made = await root('POST', '/services/grader', { api_token: apiToken, admin: false });
  const gone = await root('DELETE', '/services/grader');

  expect([made.status, gone.status]).toEqual([201, 200]);
  const found = await search(root, 'action=service');
  expect(told(found)).toEqual([
    ['service.delete', 'root', 'grader'],
    ['service.create', 'root', 'grader'],
  ]);
  expect(JSON.stringify(await search(root))).not.toContain(apiToken);
});

test('a setting that is another one after a restart is recorded, a secret is not told', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'atrium-audit-'));
  using _ = { [Symbol.dispose]: () => rmSync(dataDir, { recursive: true, force: true }) };
  const seen = ({ ctx }: TestHub) =>
    ctx.db.selectFrom('meta').select('value').where('key', '=', 'config_seen').executeTakeFirst();
  {
    await using first = await apiHub({ dataDir, config: { branding: { name: 'Before' } } });
    await expect.poll(() => seen(first), { timeout: WAIT }).toBeDefined();
  }
  await using second = await apiHub({ dataDir, config: { branding: { name: 'After' } } });
  const root = await second.api({ name: 'root', admin: true });

  await expect.poll(async () => (await search(root, 'action=config')).items.length, { timeout: WAIT }).toBe(1);
  const { items } = await search(root, 'action=config');

  expect(items[0]).toMatchObject({
    by: { kind: 'hub' },
    detail: { changes: [{ setting: 'branding.name', from: 'Before', to: 'After' }] },
  });
  const kept = await seen(second);
  expect(kept?.value).not.toContain(PASSWORD);
});

test('what sounds like a secret is hidden, and a long list is cut', async () => {
  await using hub = await apiHub({ controller: false });
  const root = await hub.api({ name: 'root', admin: true });
  const names = Array.from({ length: 150 }, (_, at) => `n${at}`);
  const detail = { password: 'abc', nested: { apiToken: 'def', client_secret: 'ghi' }, names };
  await auditAll(hub.ctx, [{ action: 'test.secret', detail }]);

  const { items } = await search(root, 'action=test');

  expect(items[0]?.detail).toMatchObject({
    password: '«secret»',
    nested: { apiToken: '«secret»', client_secret: '«secret»' },
  });
  expect(items[0]?.detail.names).toHaveLength(101);
  expect(JSON.stringify(items)).not.toMatch(/abc|def|ghi/);
});
