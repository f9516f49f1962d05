import { expect } from 'vitest';
import type { TestBrowser } from '../../../packages/hub/src/testing/browser.ts';
import { eventually } from '../client.ts';
import type { Hub } from '../hub.ts';
import { section } from '../suite.ts';
import { PASSWORD } from '../world.ts';

const goes = (reply: Response) => [reply.status, reply.headers.get('location')];
const front = ({ origin }: Hub) => `http://hub.front.test:${new URL(origin).port}`;

async function person(hub: Hub): Promise<{ name: string; browser: TestBrowser }> {
  const name = await hub.person('asked');
  return { name, browser: await hub.signIn(name) };
}

/** Sends the form of a start as the page does; a list of fields goes as text, a `FormData` with its files. */
async function sendForm(
  browser: TestBrowser,
  path: string,
  form: Record<string, string> | FormData,
): Promise<Response> {
  await browser.fetch(path);
  const xsrf = [...browser.cookies.values()].find(({ name }) => name === '_xsrf')?.value ?? '';
  const body = form instanceof FormData ? form : new URLSearchParams(form);
  body.append('_xsrf', xsrf);
  return browser.fetch(path, { method: 'POST', body });
}

async function optionsOf(hub: Hub, name: string): Promise<Record<string, unknown>> {
  const look = async () => (await hub.root('GET', `/users/${name}`)).json().servers[''];
  return (await eventually(look, (server) => server?.ready === true)).user_options;
}

/** How a name that was chosen from a list is stored differs by the spawner; what was chosen does not. */
const chosen = (options: Record<string, unknown>) => [options.profile].flat();

export const asking = section('what is asked before a start', (row) => {
  row('5.3/form', async ({ other }) => {
    const hub = await other('asked');
    const { name, browser } = await person(hub);
    const page = await browser.fetch(`/hub/spawn/${name}`);
    const text = await page.text();
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/html/)]);
    for (const field of ['opt-profile', 'opt-course', 'opt-data']) expect(text).toContain(`name="${field}"`);
    expect((await hub.root('GET', `/users/${name}`)).json().servers).toEqual({});
  });

  row('5.3/form-sent', async ({ other }) => {
    const hub = await other('asked');
    const { name, browser } = await person(hub);
    const path = `/hub/spawn/${name}`;
    const sent = await sendForm(browser, path, { 'opt-profile': 'large', 'opt-course': 'optics' });
    expect(goes(sent)).toEqual([302, expect.stringContaining(`/hub/spawn-pending/${name}`)]);
    const options = await optionsOf(hub, name);
    expect([chosen(options), options.course]).toEqual([['large'], 'optics']);
  });

  row('5.3/form-files', async ({ other }) => {
    const hub = await other('asked');
    const { name, browser } = await person(hub);
    const form = new FormData();
    form.append('opt-profile', 'small');
    for (const letter of ['a', 'b']) {
      form.append('opt-data', new File([`${letter}\n\u0000\u00ff`], `${letter}.csv`, { type: 'text/csv' }));
    }
    const sent = await sendForm(browser, `/hub/spawn/${name}`, form);
    expect(sent.status).toBe(302);
    const options = await optionsOf(hub, name);
    expect(options.data_file).toEqual(
      ['a', 'b'].map((letter) => ({
        filename: `${letter}.csv`,
        content_type: 'text/csv',
        body: { __jupyterhub_bytes__: true, data: Buffer.from(`${letter}\n\u0000\u00ff`).toString('base64') },
      })),
    );
  });

  row('5.3/form-refused', async ({ other }) => {
    const hub = await other('asked');
    const { name, browser } = await person(hub);
    const refused = await sendForm(browser, `/hub/spawn/${name}`, { 'opt-profile': 'huge' });
    const text = await refused.text();
    expect([refused.status, text]).toEqual([422, expect.stringContaining('Choose one of small, large')]);
    expect(text).toContain('name="opt-profile"');
    expect((await hub.root('GET', `/users/${name}`)).json().servers).toEqual({});
  });

  row('5.3/query-refused', async ({ other }) => {
    const hub = await other('asked');
    const { name, browser } = await person(hub);
    const refused = await browser.fetch(`/hub/spawn/${name}?opt-profile=huge&opt-course=optics`);
    const text = await refused.text();
    expect([refused.status, text]).toEqual([422, expect.stringContaining('Choose one of small, large')]);
    expect(text).toContain('name="opt-profile"');
  });

  row(['5.2/public-url', '5.1/base-public'], async ({ other }) => {
    const hub = await other('asked');
    expect((await hub.send('GET', '/')).headers.location).toBe(`${front(hub)}/hub/`);
    const { browser } = await person(hub);
    const after = async (next: string) => {
      const to = (await browser.fetch(`/hub/login?next=${encodeURIComponent(next)}`)).headers.get('location');
      return to === '/hub/' ? (await browser.fetch(to)).headers.get('location') : to;
    };
    expect(await after(`${front(hub)}/hub/token?a=1`)).toBe('/hub/token?a=1');
    expect(await after(`${front(hub).replace('http:', '')}/hub/token`)).toBe('/hub/token');
    for (const bad of [`${front(hub).replace('http:', 'https:')}/hub/token`, `${hub.origin}/hub/token`]) {
      expect([bad, await after(bad)]).toEqual([bad, '/hub/spawn']);
    }
  });

  row('5.5/name-map', async ({ other }) => {
    const hub = await other('asked');
    const browser = hub.browser();
    expect((await browser.submit('/hub/login', { username: 'Countess', password: PASSWORD })).status).toBe(302);
    expect((await browser.fetch('/hub/home')).status).toBe(200);
    expect((await hub.root('GET', '/users/lovelace')).json()).toMatchObject({ name: 'lovelace' });
    expect((await hub.root('GET', '/users/countess')).status).toBe(404);
    expect((await hub.root('POST', '/users/countess')).json()).toMatchObject({ name: 'countess' });
  });

  row(['5.4/old-status', '5.4/absolute-link', '5.4/implicit'], async ({ other }) => {
    const hub = await other('asked');
    const { name, browser } = await person(hub);
    const spawn = `/hub/spawn/${name}`;
    const reply = await browser.fetch(`/hub/user/${name}/api/status`);
    expect([reply.status, ((await reply.json()) as { message: string }).message]).toEqual([
      503,
      expect.stringMatching(new RegExp(`Restart the server at http://[^/]+${spawn}$`)),
    ]);
    const page = await browser.fetch(`/hub/user/${name}/lab`);
    const text = await page.text();
    expect([page.status, page.headers.get('content-type')]).toEqual([503, expect.stringMatching(/^text\/html/)]);
    expect(`${page.headers.get('refresh')}\n${text}`).toMatch(
      new RegExp(`^7; url=${spawn}\\?next=|"${spawn}(?:\\?next=[^"]*)?";\\s*var implicit_spawn_seconds = 7`),
    );
  });

  row('4.3/extra', async ({ other }) => {
    const hub = await other('asked');
    const as = await hub.scoped(['inherit'], await hub.person());
    expect((await as('GET', '/user')).json().scopes).toContain('read:hub');
    expect((await as('GET', '/info')).status).toBe(200);
  });

  row('8/prefix', async ({ other }) => {
    const hub = await other('asked');
    const { text } = await hub.root('GET', '/metrics');
    expect(text).toMatch(/^campus_running_servers /m);
    expect(text).toMatch(/^campus_request_duration_seconds_count\{/m);
    expect(text).not.toMatch(/^jupyterhub_/m);
  });
});
