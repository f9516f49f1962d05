import { expect } from 'vitest';
import type { TestBrowser } from '../../../packages/hub/src/testing/browser.ts';
import { eventually } from '../client.ts';
import type { Hub } from '../hub.ts';
import { section } from '../suite.ts';
import { startHeld } from './s3-servers.ts';

const goes = (reply: Response) => [reply.status, reply.headers.get('location')];

async function person(hub: Hub, prefix?: string): Promise<{ name: string; browser: TestBrowser }> {
  const name = await hub.person(prefix);
  return { name, browser: await hub.signIn(name) };
}

const xsrfOf = ({ cookies }: TestBrowser) => [...cookies.values()].find(({ name }) => name === '_xsrf')?.value ?? '';

/** What a browser sends when a policy of ours forbade something. */
function report(browser: TestBrowser, xsrf?: string): Promise<Response> {
  const query = xsrf === undefined ? '' : `?_xsrf=${encodeURIComponent(xsrf)}`;
  return browser.fetch(`/hub/security/csp-report${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/csp-report' },
    body: JSON.stringify({ 'csp-report': { 'violated-directive': 'img-src' } }),
  });
}

/** Where a program is told to start what it looked for. */
async function whereToStart(browser: TestBrowser, path: string): Promise<string | undefined> {
  const reply = await browser.fetch(path, { headers: { accept: 'application/json' } });
  const { message } = (await reply.json()) as { message: string };
  return /Restart the server at \S*?(\/hub\/spawn\/\S*)/.exec(message)?.[1];
}

export const morePages = section('pages, more', (row) => {
  row('5.1/static', async ({ main }) => {
    const { browser } = await person(main);
    const logo = await browser.fetch('/hub/logo');
    expect([logo.status, logo.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^image\//)]);
    const page = await (await browser.fetch('/hub/home')).text();
    const file = /"(\/hub\/static\/[^"?]+\.(?:css|js)[^"]*)"/.exec(page)?.[1] ?? 'none';
    expect((await main.send('GET', file)).status).toBe(200);
    expect((await report(browser)).status).toBe(403);
    expect((await report(browser, xsrfOf(browser))).status).toBe(200);
  });

  row('8/csp', async ({ main }) => {
    const { browser } = await person(main);
    await browser.fetch('/hub/home');
    expect((await report(browser, xsrfOf(browser))).status).toBe(200);
    expect((await main.root('GET', '/metrics')).text).toMatch(/^jupyterhub_csp_reports_total [1-9]/m);
  });

  row('5.3/display-name', async ({ main }) => {
    const { name, browser } = await person(main);
    const reply = await browser.fetch(`/hub/spawn/${name}/two?display_name=My%20Thesis&opt-size=big`);
    expect(reply.status).toBe(302);
    const look = async () => (await main.root('GET', `/users/${name}`)).json().servers.two;
    const server = await eventually(look, (seen) => seen?.ready === true);
    expect(server.display_name).toBe('My Thesis');
    expect(Object.keys(server.user_options)).toEqual(['size']);
  });

  row('5.3/post-pending', async ({ main }) => {
    const { user, end } = await startHeld(main);
    const browser = await main.signIn(user);
    await browser.fetch('/hub/home');
    const body = new URLSearchParams({ _xsrf: xsrfOf(browser), size: 'big' });
    expect((await browser.fetch(`/hub/spawn/${user}`, { method: 'POST', body })).status).toBe(400);
    await end();
  });

  row('5.3/pending-stop', async ({ main }) => {
    const { name, browser } = await person(main, 'linger-');
    await main.start(name);
    const stopped = main.root('DELETE', main.server(name));
    await eventually(
      async () => (await main.root('GET', `/users/${name}`)).json().servers['']?.pending,
      (pending) => pending === 'stop',
    );
    const page = await browser.fetch(`/hub/spawn-pending/${name}`);
    expect([page.status, await page.text()]).toEqual([200, expect.stringMatching(/stopping|being stopped/i)]);
    main.gate.open(`held-${name}`);
    expect([202, 204]).toContain((await stopped).status);
  });

  row('5.4/loop-version', async ({ main }) => {
    const [same, mute] = await Promise.all([person(main), person(main, 'nameless-')]);
    await Promise.all([main.start(same.name), main.start(mute.name)]);
    const second = ({ name, browser }: typeof same) => browser.fetch(`/hub/user/${name}/lab?redirects=2`);
    expect(goes(await second(same))).toEqual([302, expect.stringContaining('redirects=3')]);
    const last = await second(mute);
    expect([last.status, await last.text()]).toEqual([500, expect.stringMatching(/redirect.loop/i)]);
  });

  row('5.4/failed', async ({ main }) => {
    const { name, browser } = await person(main, 'exit-');
    expect((await main.root('POST', main.server(name))).status).toBe(500);
    const wanted = `/user/${name}/lab`;
    const sent = await browser.fetch(`/hub${wanted}`);
    const to = new URL(sent.headers.get('location') ?? '', main.origin);
    expect([sent.status, to.pathname]).toEqual([303, `/hub/spawn-pending/${name}`]);
    expect(to.searchParams.get('next')).toContain(wanted);
  });

  row('5.4/named', async ({ main }) => {
    const { name, browser } = await person(main);
    await main.start(name, 'two');
    expect([202, 204]).toContain((await main.root('DELETE', main.server(name, 'two'))).status);
    await eventually(
      async () => (await main.root('GET', `/users/${name}?include_stopped_servers=1`)).json().servers.two?.stopped,
      (stopped) => stopped === true,
    );
    expect(await whereToStart(browser, `/hub/user/${name}/two/lab`)).toBe(`/hub/spawn/${name}/two`);
    expect(await whereToStart(browser, `/hub/user/${name}/three/lab`)).toBe(`/hub/spawn/${name}`);
  });

  row('5.4/post-base', async ({ main }) => {
    const reply = await main.send('POST', `/user/${await main.person()}/api/contents`, { body: '' });
    expect([reply.status, reply.headers['content-type']]).toEqual([403, expect.stringMatching(/^text\/html/)]);
  });

  row('5.5/slugs', async ({ main }) => {
    const { name, browser } = await person(main);
    await browser.fetch('/hub/home');
    for (const [text, slug] of [
      ['z9', 'z9'],
      ['9z9', 'x-9z9-224de202'],
      ['has.dot', 'has-dot-03e27fdf'],
    ] as const) {
      const body = new URLSearchParams({ _xsrf: xsrfOf(browser), name: text });
      expect((await browser.fetch('/hub/home/new', { method: 'POST', body })).status).toBe(303);
      const { servers } = (await main.root('GET', `/users/${name}?include_stopped_servers=1`)).json();
      expect(servers[slug]?.display_name).toBe(text);
    }
  });

  row('5.1/token-to-server', async ({ main }) => {
    const one = await main.person();
    const headers = { authorization: `token ${await main.token(one)}` };
    expect((await main.send('GET', `/hub/user/${one}/api/status`, { headers })).status).toBe(424);
    for (const path of ['token', 'admin', 'spawn', `spawn-pending/${one}`]) {
      const { status, headers: got } = await main.send('GET', `/hub/${path}`, { headers });
      expect([path, status, got.location]).toEqual([path, 302, expect.stringMatching(/^\/hub\/login\?next=/)]);
    }
  });

  row('5.1/anonymous-share', async ({ main }) => {
    const { status, headers } = await main.send('GET', '/hub/accept-share?code=x');
    expect([status, headers.location]).toEqual([
      302,
      `/hub/login?next=${encodeURIComponent('/hub/accept-share?code=x')}`,
    ]);
  });

  row('5.1/sign-up', async ({ main }) => {
    for (const path of ['signup', 'oauth_login', 'authorize']) {
      expect([path, (await main.send('GET', `/hub/${path}`)).status]).toEqual([path, 404]);
    }
  });
});
