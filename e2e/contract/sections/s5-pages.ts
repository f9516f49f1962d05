import { expect } from 'vitest';
import { section } from '../suite.ts';
import { PASSWORD, ROOT_TOKEN } from '../world.ts';

const goes = (reply: { status: number; headers: { get(name: string): string | null } }) => [
  reply.status,
  reply.headers.get('location'),
];

export const pages = section('pages', (row) => {
  row(['5.1/base', '5.1/root-anonymous'], async ({ main, strict }) => {
    for (const { base, hub, send } of [main, strict]) {
      const at = async (path: string) => {
        const { status, headers } = await send('GET', path);
        return [status, headers.location];
      };
      expect(await at(base)).toEqual([302, hub]);
      expect(await at(hub.slice(0, -1))).toEqual([301, hub]);
      expect(await at(hub)).toEqual([302, `${hub}login?next=${encodeURIComponent(hub)}`]);
    }
  });

  row('5.1/root', async ({ main }) => {
    const one = await main.person();
    const browser = await main.signIn(one);
    expect(goes(await browser.fetch('/hub/'))).toEqual([302, '/hub/spawn']);
    expect(goes(await browser.fetch('/hub/?next=%2Fhub%2Ftoken'))).toEqual([302, '/hub/token']);
    await main.start(one);
    expect(goes(await browser.fetch('/hub/'))).toEqual([302, `/user/${one}/`]);
  });

  row(['5.1/login', '5.1/login-post', '5.5/login-lower'], async ({ main }) => {
    const one = await main.person();
    const browser = main.browser();
    const form = await browser.fetch('/hub/login');
    expect([form.status, await form.text()]).toEqual([200, expect.stringMatching(/name="password"/)]);
    const wrong = await browser.submit('/hub/login', { username: one, password: 'wrong' });
    expect(wrong.status).toBe(403);
    const right = await browser.submit('/hub/login?next=%2Fhub%2Ftoken', {
      username: one.toUpperCase(),
      password: PASSWORD,
    });
    expect(goes(right)).toEqual([302, '/hub/token']);
    expect(goes(await browser.fetch('/hub/login'))).toEqual([302, expect.stringMatching(/^\/hub\//)]);
  });

  row('5.1/anonymous', async ({ main }) => {
    for (const path of [
      'home',
      'token',
      'admin',
      'spawn',
      'spawn/ada',
      'spawn-pending/ada',
      'user-redirect/lab',
      'user/ada/',
    ]) {
      const { status, headers } = await main.send('GET', `/hub/${path}`);
      expect([path, status, headers.location]).toEqual([
        path,
        302,
        `/hub/login?next=${encodeURIComponent(`/hub/${path}`)}`,
      ]);
    }
  });

  row(['5.1/home', '5.1/admin', '5.1/headers'], async ({ main }) => {
    const [person, ada] = await Promise.all([main.signIn(await main.person()), main.signIn('ada')]);
    for (const path of ['/hub/home', '/hub/token']) {
      const { status, headers } = await person.fetch(path);
      expect([path, status]).toEqual([path, 200]);
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('x-jupyterhub-version')).toMatch(/^\d/);
    }
    expect((await person.fetch('/hub/admin')).status).toBe(403);
    expect((await ada.fetch('/hub/admin')).status).toBe(200);
  });

  row('5.1/user-redirect', async ({ main }) => {
    const one = await main.person();
    const browser = await main.signIn(one);
    const reply = await browser.fetch('/hub/user-redirect/lab/tree/a%20b?x=1&y=%2F');
    expect(reply.status).toBe(302);
    const to = new URL(reply.headers.get('location') ?? '', main.origin);
    expect([`/hub/spawn/${one}`, '/hub/spawn']).toContain(to.pathname);
    const next = new URL(to.searchParams.get('next') ?? '', main.origin);
    expect([next.pathname, Object.fromEntries(next.searchParams)]).toEqual([
      `/user/${one}/lab/tree/a%20b`,
      { x: '1', y: '/' },
    ]);
  });

  row(['5.1/error', '5.1/favicon', '5.1/oauth-callback', '5.1/unknown'], async ({ main, strict }) => {
    const get = async (path: string) => (await main.send('GET', path)).status;
    for (const code of [404, 503, 599]) {
      const { status, headers } = await main.send('GET', `/hub/error/${code}`);
      expect([code, status, headers['content-type']]).toEqual([code, 200, expect.stringMatching(/^text\/html/)]);
    }
    expect(await get('/favicon.ico')).toBe(200);
    expect((await strict.send('GET', '/favicon.ico')).status).toBe(404);
    expect(await get('/hub/oauth_callback')).toBe(404);
    const browser = await main.signIn(await main.person());
    const unknown = await browser.fetch('/hub/no/such/page');
    expect([unknown.status, unknown.headers.get('content-type')]).toEqual([404, expect.stringMatching(/^text\/html/)]);
  });

  row('5.1/robots', async ({ main, strict }) => {
    expect((await main.send('GET', '/robots.txt')).status).toBe(200);
    expect((await strict.send('GET', '/robots.txt')).status).toBe(404);
  });

  row(['5.1/add-slash', '5.1/other-path', '5.1/outside-base'], async ({ main, strict }) => {
    const at = async (path: string, hub = main) => {
      const { status, headers } = await hub.send('GET', path);
      return [status, headers.location];
    };
    const one = await main.person();
    expect(await at(`/user/${one}`)).toEqual([301, expect.stringMatching(new RegExp(`^/user/${one}/$`))]);
    expect(await at('/services/none')).toEqual([301, '/services/none/']);
    expect(await at('/nothing/here?x=1')).toEqual([302, '/hub/nothing/here?x=1']);
    expect((await at('/elsewhere', strict))[0]).toBe(404);
  });

  row('5.1/token-elsewhere', async ({ main }) => {
    const headers = { authorization: `token ${ROOT_TOKEN}` };
    expect((await main.send('GET', '/hub/home', { headers })).status).toBe(302);
    expect((await main.send('GET', '/hub/metrics', { headers })).status).toBe(200);
  });

  row(['5.2/path', '5.2/own-host', '5.2/refused', '5.2/backslash'], async ({ main }) => {
    const browser = await main.signIn(await main.person());
    const host = new URL(main.origin).host;
    const after = async (next: string) => {
      const to = (await browser.fetch(`/hub/login?next=${encodeURIComponent(next)}`)).headers.get('location');
      // The hub's own root knows the default page.
      return to === '/hub/' ? (await browser.fetch(to)).headers.get('location') : to;
    };
    expect(await after('/hub/token?a=1#b')).toBe('/hub/token?a=1#b');
    expect(await after(`${main.origin}/hub/token?a=1`)).toBe('/hub/token?a=1');
    expect(await after(`//${host}/hub/token`)).toBe('/hub/token');
    expect(await after(`http://${host}//other/`)).toBe('/other/');
    for (const bad of [
      'https://elsewhere.example/',
      '//elsewhere.example/x',
      'hub/token',
      'javascript:alert(1)',
      '///elsewhere.example/x',
    ]) {
      expect([bad, await after(bad)]).toEqual([bad, '/hub/spawn']);
    }
    expect(await after('/\\elsewhere.example/x')).toBe('/%5Celsewhere.example/x');
  });

  row('5.2/query-kept', async ({ main }) => {
    const browser = await main.signIn(await main.person());
    const after = async (query: string) => goes(await browser.fetch(`/hub/?${query}`));
    expect(await after('a=1&b=2')).toEqual([302, '/hub/spawn?a=1&b=2']);
    expect(await after('a=1&next=%2Fhub%2Ftoken')).toEqual([302, '/hub/token']);
  });

  row('5.1/root-home', async ({ strict }) => {
    const browser = await strict.signIn(await strict.person());
    expect(goes(await browser.fetch(strict.hub))).toEqual([302, `${strict.hub}home`]);
  });

  row('5.5/quoting', async ({ main }) => {
    const name = main.fresh('o d+ü');
    const path = `/users/${encodeURIComponent(name)}`;
    await main.root('POST', path);
    await main.start(encodeURIComponent(name));
    const quoted = `/user/${encodeURIComponent(name)}/`;
    expect((await main.root('GET', path)).json()).toMatchObject({ name, server: quoted });
    const env = (await main.send('GET', `${quoted}env`)).json();
    expect(env).toMatchObject({ JUPYTERHUB_USER: name, JUPYTERHUB_SERVICE_PREFIX: quoted });
  });
});
