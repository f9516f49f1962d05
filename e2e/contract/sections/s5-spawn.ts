import { expect } from 'vitest';
import type { TestBrowser } from '../../../packages/hub/src/testing/browser.ts';
import { eventually } from '../client.ts';
import type { Hub } from '../hub.ts';
import { section } from '../suite.ts';
import { startHeld } from './s3-servers.ts';

const goes = (reply: Response) => [reply.status, reply.headers.get('location')];

/** Somebody with a browser; their name begins with the prefix. */
async function person(hub: Hub, prefix?: string): Promise<{ name: string; browser: TestBrowser }> {
  const name = await hub.person(prefix);
  return { name, browser: await hub.signIn(name) };
}

/** Follows a start by the page to its end, and answers with what the server was started with. */
async function optionsAfter(hub: Hub, name: string, server = ''): Promise<unknown> {
  const look = async () => (await hub.root('GET', `/users/${name}`)).json().servers[server];
  return (await eventually(look, (seen) => seen?.ready)).user_options;
}

export const spawning = section('starting by page', (row) => {
  row(['5.3/start', '5.3/running', '5.3/pending-ready'], async ({ main }) => {
    const { name, browser } = await person(main);
    const next = `/user/${name}/lab?x=1`;
    const started = await browser.fetch(`/hub/spawn/${name}?next=${encodeURIComponent(next)}`);
    expect(started.status).toBe(302);
    const to = new URL(started.headers.get('location') ?? '', main.origin);
    if (to.pathname !== `/user/${name}/lab`) {
      expect([to.pathname, to.searchParams.get('next')]).toEqual([`/hub/spawn-pending/${name}`, next]);
    }
    await optionsAfter(main, name);
    expect(goes(await browser.fetch(`/hub/spawn/${name}`))).toEqual([302, expect.stringContaining(`/user/${name}/`)]);
    expect(goes(await browser.fetch(`/hub/spawn/${name}?next=%2Fhub%2Ftoken`))).toEqual([302, '/hub/token']);
    const pending = `/hub/spawn-pending/${name}`;
    expect(goes(await browser.fetch(pending))).toEqual([302, expect.stringContaining(`/user/${name}/`)]);
    expect(goes(await browser.fetch(`${pending}?next=%2Fhub%2Ftoken`))).toEqual([302, '/hub/token']);
  });

  row('5.3/not-yours', async ({ main }) => {
    const { browser } = await person(main);
    for (const other of [await main.person(), 'nobody-of-this-name']) {
      expect([other, (await browser.fetch(`/hub/spawn/${other}`)).status]).toEqual([other, 404]);
    }
  });

  row('5.3/bad-name', async ({ main }) => {
    const { name, browser } = await person(main);
    expect((await browser.fetch(`/hub/spawn/${name}/Bad--Name`)).status).toBe(400);
  });

  row('5.3/options', async ({ main }) => {
    const { name, browser } = await person(main);
    expect((await browser.fetch(`/hub/spawn/${name}?size=big&next=%2Fhub%2Fhome`)).status).toBe(302);
    const options = (await optionsAfter(main, name)) as Record<string, unknown>;
    expect([options.size].flat()).toEqual(['big']);
    expect(options).not.toHaveProperty('next');
  });

  row('5.3/options-prefix', async ({ main }) => {
    const { name, browser } = await person(main);
    expect((await browser.fetch(`/hub/spawn/${name}?opt-=x`)).status).toBe(422);
    expect((await browser.fetch(`/hub/spawn/${name}?opt-size=big&colour=red`)).status).toBe(302);
    const options = (await optionsAfter(main, name)) as Record<string, unknown>;
    expect([Object.keys(options), [options.size].flat()]).toEqual([['size'], ['big']]);
  });

  row('5.3/post', async ({ main }) => {
    const { name, browser } = await person(main);
    const path = `/hub/spawn/${name}`;
    expect((await browser.fetch(path, { method: 'POST', body: new URLSearchParams({}) })).status).toBe(403);
    await browser.fetch('/hub/home');
    const xsrf = [...browser.cookies.values()].find((cookie) => cookie.name === '_xsrf')?.value ?? '';
    const post = () => browser.fetch(path, { method: 'POST', body: new URLSearchParams({ _xsrf: xsrf, size: 'big' }) });
    expect((await post()).status).toBe(302);
    expect(await optionsAfter(main, name)).toBeDefined();
    expect((await post()).status).toBe(400);
  });

  row(['5.3/pending', '5.4/pending'], async ({ main }) => {
    const { user, end } = await startHeld(main);
    const browser = await main.signIn(user);
    const page = await browser.fetch(`/hub/spawn-pending/${user}`);
    const text = await page.text();
    expect(page.status).toBe(200);
    expect(`${text}`).toMatch(/progress/);
    const wanted = `/user/${user}/lab?x=1`;
    const sent = await browser.fetch(`/hub${wanted}`);
    const to = new URL(sent.headers.get('location') ?? '', main.origin);
    expect([sent.status, to.pathname]).toEqual([303, `/hub/spawn-pending/${user}`]);
    expect(to.searchParams.get('next')).toContain(wanted);
    expect(goes(await browser.fetch(`/hub/spawn/${user}`))).toEqual([
      302,
      expect.stringContaining('/hub/spawn-pending/'),
    ]);
    await end();
  });

  row(['5.3/pending-failed', '5.3/pending-stopped'], async ({ main }) => {
    const { name, browser } = await person(main, 'exit-');
    const page = async () => {
      const reply = await browser.fetch(`/hub/spawn-pending/${name}`);
      return { status: reply.status, text: await reply.text() };
    };
    const again = expect.stringMatching(new RegExp(`/hub/spawn/${name}|action="/hub/home/start"`));
    expect(await page()).toEqual({ status: 200, text: again });
    expect((await main.root('GET', `/users/${name}`)).json().servers).toEqual({});
    expect((await main.root('POST', main.server(name))).status).toBe(500);
    expect(await eventually(page, ({ status }) => status !== 200)).toEqual({ status: 500, text: again });
  });

  row('5.3/pending-failed-message', async ({ main }) => {
    const { name, browser } = await person(main);
    expect((await main.root('POST', main.server(name), { contract: 'tell' })).status).toBe(500);
    const page = async () => {
      const reply = await browser.fetch(`/hub/spawn-pending/${name}`);
      return [reply.status, (await reply.text()).includes('The reading room is closed')];
    };
    expect(await eventually(page, ([status]) => status !== 200)).toEqual([500, true]);
  });

  row(['5.4/not-yours', '5.4/anonymous'], async ({ main }) => {
    const { browser } = await person(main);
    for (const other of [await main.person(), 'nobody-of-this-name']) {
      const reply = await browser.fetch(`/hub/user/${other}/lab`);
      expect([other, reply.status]).toEqual([other, 404]);
    }
    for (const path of ['/hub/user/ada/lab', '/hub/user/ada/api/status']) {
      const { status, headers } = await main.send('GET', path);
      expect([path, status, headers.location]).toEqual([path, 302, expect.stringMatching(/^\/hub\/login\?next=/)]);
    }
  });

  row(['5.4/ready', '5.4/loop'], async ({ main }) => {
    const { name, browser } = await person(main);
    await main.start(name);
    const first = await browser.fetch(`/hub/user/${name}/lab`);
    const to = new URL(first.headers.get('location') ?? '', main.origin);
    expect([first.status, to.pathname, to.searchParams.get('redirects')]).toEqual([302, `/user/${name}/lab`, '1']);
    const last = await browser.fetch(`/hub/user/${name}/lab?redirects=9`);
    expect([last.status, await last.text()]).toEqual([500, expect.stringMatching(/redirect.loop/i)]);
  });

  row(['5.4/api', '5.4/stopped'], async ({ main }) => {
    const { name, browser } = await person(main);
    await main.start(name);
    expect((await main.root('DELETE', main.server(name))).status).toBe(204);
    for (const [path, headers] of [
      [`/hub/user/${name}/api/status`, {}],
      [`/hub/user/${name}/lab`, { accept: 'application/json' }],
    ] as const) {
      const reply = await browser.fetch(path, { headers });
      expect([path, reply.status, reply.headers.get('content-type')]).toEqual([
        path,
        424,
        expect.stringMatching(/^application\/json/),
      ]);
      const { message } = (await reply.json()) as { message: string };
      expect(message).toMatch(/^JupyterHub server no longer running at .* Restart the server at .*\/hub\/spawn\//);
    }
    const page = await browser.fetch(`/hub/user/${name}/lab`);
    expect([page.status, page.headers.get('content-type')]).toEqual([424, expect.stringMatching(/^text\/html/)]);
  });

  row(['5.4/token', '5.4/no-credentials'], async ({ main }) => {
    const one = await main.person();
    const headers = { authorization: `token ${await main.token(one)}` };
    const path = `/hub/user/${one}/api/contents`;
    for (const method of ['POST', 'PATCH', 'DELETE']) {
      const { status, json } = await main.send(method, path, { headers, body: '' });
      expect([method, status, json().message]).toEqual([method, 424, expect.stringContaining('no longer running')]);
      expect((await main.send(method, path, { body: '' })).status).toBe(403);
    }
    expect((await main.send('PUT', path, { headers, body: '' })).status).toBe(405);
  });
});
