import { expect, test } from 'vitest';
import { signedIn } from '../pages/testing/signed-in.ts';
import { shiftedClock } from '../testing/shifted-clock.ts';
import { apiHub, onBothDatabases } from './test-hub.ts';

interface Announced {
  id: number;
  state: string;
  text: string;
}

const STEP = 600_000;
const iso = (at: number) => new Date(at).toISOString();

onBothDatabases((on) => {
  test('an announcement is on every page from its start to its end, escaped, unless it was put away', async () => {
    const clock = shiftedClock(Date.now());
    await using hub = await apiHub({ on, clock });
    const root = await hub.api({ name: 'root', admin: true });
    const ada = await signedIn(hub, 'ada');
    const now = clock.now();
    const text = 'Down at <b>noon</b>';
    const times = { starts_at: iso(now + STEP), ends_at: iso(now + 2 * STEP) };

    const made = await root('POST', '/atrium/announcements', { text, level: 'warning', ...times });

    expect(made).toMatchObject({ status: 201, body: { text, level: 'warning', state: 'scheduled', by: 'root' } });
    const { id } = made.body as Announced;
    const seen = async (headers = {}) => (await ada.get('/hub/home', headers)).text.includes('Down at');
    expect(await seen()).toBe(false);
    clock.move(STEP);
    const home = (await ada.get('/hub/home')).text;
    expect(home).toContain('Down at &lt;b&gt;noon&lt;/b&gt;');
    expect(home).toContain(`data-until="${now + 2 * STEP}"`);
    expect(await (await fetch(`${hub.origin}/hub/login`)).text()).toContain('Down at');
    ada.browser.cookies.set('away', { name: 'atrium-put-away', path: '/hub/', value: `x.${id}` });
    expect(await seen()).toBe(false);
    ada.browser.cookies.delete('away');
    expect(await seen()).toBe(true);
    await root('PATCH', `/atrium/announcements/${id}`, { dismissible: false });
    ada.browser.cookies.set('away', { name: 'atrium-put-away', path: '/hub/', value: String(id) });
    expect(await seen()).toBe(true);
    clock.move(STEP);
    expect(await seen()).toBe(false);
    const list = await root('GET', '/atrium/announcements');
    expect(list.body).toMatchObject({ items: [{ id, state: 'over' }] });
    const { items } = (await root('GET', '/atrium/audit?action=announcement')).body as { items: unknown[] };
    expect(items).toMatchObject([{ action: 'announcement.change' }, { action: 'announcement.create' }]);
  });

  test('only who may change accounts may announce; taking one back is at once', async () => {
    await using hub = await apiHub({ on });
    const root = await hub.api({ name: 'root', admin: true });
    const ada = await hub.api({ name: 'ada' });

    expect((await ada('POST', '/atrium/announcements', { text: 'x' })).status).toBe(403);
    expect((await ada('GET', '/atrium/announcements')).status).toBe(403);
    const wrong = { text: 'x', starts_at: '2030-01-02T00:00:00Z', ends_at: '2030-01-01T00:00:00Z' };
    expect(await root('POST', '/atrium/announcements', wrong)).toMatchObject({
      status: 400,
      body: { message: 'An announcement must end after it starts.' },
    });
    expect((await root('POST', '/atrium/announcements', { text: ' ' })).status).toBe(400);
    expect((await root('PATCH', '/atrium/announcements/77', { text: 'x' })).status).toBe(404);
    const { id } = (await root('POST', '/atrium/announcements', { text: 'Hello' })).body as Announced;
    const current = async () => (await ada('GET', '/atrium/announcements/current')).body;
    expect(await current()).toEqual({ items: [{ id, text: 'Hello', level: 'info', dismissible: true }] });
    expect((await root('DELETE', `/atrium/announcements/${id}`)).status).toBe(204);
    expect(await current()).toEqual({ items: [] });
    expect((await root('DELETE', `/atrium/announcements/${id}`)).status).toBe(404);
  });
});
