import { expect } from 'vitest';
import { eventually } from '../client.ts';
import { frontBrowser, setCookies, signInBehindFront } from '../front.ts';
import { authorizeUrl } from '../oauth.ts';
import { section } from '../suite.ts';

const LOGIN = '__Host-jupyterhub-hub-login';

/** The client of a server that never ran would be none: so of one that runs. */
const clientOf = (origin: string, user: string) => ({
  client_id: `jupyterhub-user-${user}`,
  client_secret: '',
  redirect_uri: `${origin.replace('http://', `https://${user}.`)}/user/${user}/oauth_callback`,
});

export const behindTls = section('behind TLS', (row) => {
  row(['2.5/secure', '2.5/host-prefix'], async ({ sealed }) => {
    const browser = frontBrowser(sealed);
    const answer = await signInBehindFront(sealed, browser, await sealed.person());
    expect(answer.status).toBe(302);
    const cookies = new Map(setCookies(answer).map(({ name, attributes }) => [name, attributes]));
    expect([...cookies.keys()]).toEqual(expect.arrayContaining([LOGIN, 'jupyterhub-session-id']));
    expect(cookies.get('jupyterhub-session-id')).toEqual(expect.arrayContaining(['secure', 'httponly']));
    expect(cookies.get(LOGIN)).toEqual(expect.arrayContaining(['path=/', 'secure', 'httponly']));
    expect(cookies.get(LOGIN)?.join()).not.toContain('domain=');
    expect((await browser.ask('/hub/home')).status).toBe(200);
  });

  row('2.3/pkce-required', async ({ sealed }) => {
    const one = await sealed.person();
    await sealed.start(one);
    const browser = frontBrowser(sealed);
    await signInBehindFront(sealed, browser, one);
    const ask = async (more: Record<string, string>) => {
      const { status, headers } = await browser.ask(authorizeUrl(sealed, clientOf(sealed.origin, one), more));
      const { host, searchParams } = new URL(headers.location ?? 'none:');
      return [status, host, searchParams.get('error'), searchParams.has('code')];
    };
    const { host } = new URL(clientOf(sealed.origin, one).redirect_uri);
    expect(await ask({})).toEqual([302, host, 'invalid_request', false]);
    const challenge = { code_challenge: 'a'.repeat(43), code_challenge_method: 'S256' };
    expect(await ask(challenge)).toEqual([302, host, null, true]);
  });

  row('2.7/stop', async ({ sealed }) => {
    const one = await sealed.person();
    await Promise.all([sealed.start(one), sealed.start(one, 'two')]);
    const browser = frontBrowser(sealed);
    await signInBehindFront(sealed, browser, one);
    expect((await browser.ask('/hub/logout')).status).toBe(302);
    await eventually(
      async () => (await sealed.root('GET', `/users/${one}`)).json().servers,
      (servers) => Object.keys(servers).length === 0,
    );
  });

  row('2.8/refused', async ({ sealed }) => {
    const home = async (name: string) => {
      const browser = frontBrowser(sealed);
      await signInBehindFront(sealed, browser, name);
      expect((await browser.ask('/hub/home')).status).toBe(200);
      return async () => {
        const { status, headers } = await browser.ask('/hub/home');
        return status === 302 ? headers.location : status;
      };
    };
    const [stale, other] = [await home(await sealed.person('stale-')), await home(await sealed.person())];
    expect(await eventually(stale, (seen) => seen !== 200)).toMatch(/^\/hub\/login\?next=/);
    expect(await other()).toBe(200);
  });

  row('2.8/token', async ({ sealed }) => {
    const one = await sealed.person('stale-');
    const browser = frontBrowser(sealed);
    await signInBehindFront(sealed, browser, one);
    const token = await sealed.token(one);
    await eventually(
      async () => (await browser.ask('/hub/home')).status,
      (status) => status !== 200,
    );
    expect((await sealed.as(token)('GET', '/user')).status).toBe(200);
  });

  row(['2.8/strict', '2.8/pre-spawn'], async ({ strict }) => {
    const one = await strict.person('stale-');
    expect((await strict.as(await strict.token(one))('GET', '/user')).status).toBe(403);
    expect((await strict.root('POST', strict.server(one))).status).toBe(403);
    // Their sign-in is a moment old.
    const browser = await strict.signIn(one);
    expect((await browser.fetch(`${strict.hub}home`)).status).toBe(200);
    // JupyterHub 6 refuses with the page for what it did not expect.
    const refused = strict.kind === 'jupyterhub-6' ? 500 : 403;
    expect((await browser.fetch(`${strict.hub}spawn`)).status).toBe(refused);
    expect((await strict.root('GET', `/users/${one}`)).json()).toMatchObject({ servers: {}, pending: null });
  });

  row('3.5/admin-access-on', async ({ sealed }) => {
    const one = await sealed.person();
    expect((await sealed.root('POST', `/users/${one}/admin-access`)).status).toBe(200);
  });
});
