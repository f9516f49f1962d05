import { expect } from 'vitest';
import { type Answer, eventually, sendUntil } from '../client.ts';
import type { Hub } from '../hub.ts';
import { section } from '../suite.ts';
import { ROOT_TOKEN } from '../world.ts';

/** Begins a start that is held until the gate opens, and waits until the hub knows of it. */
export async function startHeld(hub: Hub): Promise<{ user: string; end(): Promise<void> }> {
  const user = await hub.person('held-');
  const started = hub.root('POST', `/users/${user}/server`);
  const pending = async () => (await hub.root('GET', `/users/${user}`)).json().pending;
  await eventually(pending, (seen) => seen === 'spawn');
  return {
    user,
    async end() {
      hub.gate.open(user);
      await started;
    },
  };
}

export const servers = section('REST, servers', (row) => {
  row(['3.3/server-model', '3.6/start', '3.6/empty-name'], async ({ main }) => {
    const one = await main.person();
    const as = await main.scoped([`start:servers!user=${one}`, `read:servers!user=${one}`]).catch(() => main.root);
    const started = await as('POST', `/users/${one}/servers/`);
    expect([201, 202]).toContain(started.status);
    expect(started.text).toBe('');
    await eventually(async () => (await main.root('GET', `/users/${one}`)).json().server, Boolean);
    const user = (await main.root('GET', `/users/${one}`)).json();
    expect(user).toMatchObject({ server: `/user/${one}/`, pending: null });
    expect(user.servers['']).toMatchObject({
      ...{ name: '', full_name: `${one}/`, pending: null, ready: true, stopped: false, url: `/user/${one}/` },
      ...{ user_options: {}, progress_url: `/hub/api/users/${one}/server/progress` },
      ...{ full_url: null, full_progress_url: null },
      started: expect.stringMatching(/Z$/),
      last_activity: expect.stringMatching(/Z$/),
    });
    expect((await main.root('POST', `/users/${one}/servers`)).status).toBe(404);
    expect((await main.root('DELETE', `/users/${one}/servers/`)).status).toBe(204);
  });

  row('3.3/server-display-name', async ({ main }) => {
    const one = await main.person();
    await main.start(one);
    expect((await main.root('GET', `/users/${one}`)).json().servers['']).toHaveProperty('display_name');
  });

  row('3.3/server-state', async ({ main }) => {
    const one = await main.person();
    await main.start(one);
    const plain = (await (await main.scoped(['read:servers']))('GET', `/users/${one}`)).json();
    expect(plain.servers['']).not.toHaveProperty('state');
    const more = (await (await main.scoped(['admin:servers']))('GET', `/users/${one}`)).json();
    expect(more.servers['']).toHaveProperty('state');
  });

  row(['3.6/read', '3.6/create'], async ({ main }) => {
    const one = await main.person();
    const path = main.server(one, 'new-one');
    const made = await main.root('PUT', path);
    expect([made.status, made.json()]).toMatchObject([
      201,
      { name: 'new-one', full_name: `${one}/new-one`, stopped: true, ready: false, pending: null, started: null },
    ]);
    expect((await main.root('PUT', path)).status).toBe(409);
    expect((await main.root('PUT', main.server(one))).status).toBe(409);
    expect((await main.root('GET', path)).json()).toMatchObject({ name: 'new-one', url: `/user/${one}/new-one/` });
    expect((await main.root('GET', main.server(one))).status).toBe(200);
    expect((await main.root('GET', main.server(one, 'unknown'))).status).toBe(404);
    expect((await main.root('PUT', main.server(one, 'Bad-Name'))).status).toBe(400);
  });

  row(
    ['3.6/start-slow', '3.7/start-pending', '3.3/server-starting', '10.2/slow', '3.8/starting', '3.8/stream'],
    async ({ strict }) => {
      const one = await strict.person();
      // The strict hub starts one at a time: whoever is refused asks again.
      const asked = await eventually(
        () => strict.root('POST', `/users/${one}/server`),
        ({ status }) => status !== 429,
      );
      expect([asked.status, asked.text]).toEqual([202, '']);
      const again = await strict.root('POST', `/users/${one}/server`);
      if (again.status === 202) expect(again.text).toBe('');
      else expect(again.status).toBe(400);
      const stream = await strict.root('GET', `/users/${one}/server/progress`);
      expect(stream.status).toBe(200);
      expect(stream.headers['content-type']).toMatch(/^text\/event-stream/);
      expect(stream.headers['cache-control']).toContain('no-cache');
      const events = eventsOf(stream.text);
      expect(events.at(-1)).toMatchObject({ progress: 100, ready: true, url: `${strict.base}user/${one}/` });
      expect(stream.text).not.toMatch(/^(event|id):/m);
      if (events.length > 1) expect(events[0]).toEqual({ progress: 0, message: 'Server requested' });
    },
  );

  row(['3.7/start-cancelled'], async ({ main }) => {
    const { user, end } = await startHeld(main);
    const model = (await main.root('GET', `/users/${user}`)).json();
    expect(model).toMatchObject({ pending: 'spawn', server: null });
    expect(model.servers['']).toMatchObject({ pending: 'spawn', ready: false, stopped: false });
    expect((await main.root('POST', `/users/${user}/server`)).status).toBe(202);
    const stopped = await main.root('DELETE', `/users/${user}/server`);
    expect([202, 204]).toContain(stopped.status);
    await eventually(
      async () => (await main.root('GET', `/users/${user}`)).json().servers,
      (servers) => Object.keys(servers).length === 0,
    );
    await end();
  });

  row('3.8/cancelled', async ({ main }) => {
    const { user, end } = await startHeld(main);
    const { answer } = await watchHeld(main, user);
    await main.root('DELETE', `/users/${user}/server`);
    expect(eventsOf((await answer).text).at(-1)).toMatchObject({ failed: true, message: 'Spawn cancelled' });
    await end();
  });

  row('3.6/change', async ({ main }) => {
    const one = await main.person();
    const path = main.server(one, 'first');
    await main.root('PUT', path);
    await main.root('PUT', main.server(one, 'taken'));
    const changed = await main.root('PATCH', path, { display_name: 'My First' });
    expect([changed.status, changed.json()]).toMatchObject([200, { name: 'first', display_name: 'My First' }]);
    const renamed = await main.root('PATCH', path, { name: 'second' });
    expect([renamed.status, renamed.json().name]).toEqual([200, 'second']);
    expect((await main.root('GET', path)).status).toBe(404);
    const now = main.server(one, 'second');
    expect((await main.root('PATCH', now, { name: 'taken' })).status).toBe(409);
    expect((await main.root('PATCH', now, {})).status).toBe(400);
    expect((await main.root('PATCH', main.server(one, 'unknown'), { display_name: 'x' })).status).toBe(404);
    await main.start(one, 'second');
    expect((await main.root('PATCH', now, { display_name: 'Other' })).status).toBe(400);
  });

  row('3.6/change-unknown-field', async ({ main }) => {
    const one = await main.person();
    await main.root('PUT', main.server(one, 'first'));
    expect((await main.root('PATCH', main.server(one, 'first'), { size: 7 })).status).toBe(400);
  });

  row(['3.6/stop', '3.6/remove'], async ({ main }) => {
    const one = await main.person();
    expect((await main.root('DELETE', main.server(one))).status).toBe(204);
    expect((await main.root('DELETE', main.server(one, 'unknown'))).status).toBe(404);
    await main.start(one, 'two');
    const path = main.server(one, 'two');
    expect((await main.root('DELETE', path)).status).toBe(204);
    const { servers } = (await main.root('GET', `/users/${one}?include_stopped_servers`)).json();
    expect(servers.two).toMatchObject({ stopped: true, started: null });
    expect((await main.root('DELETE', path, { remove: true })).status).toBe(204);
    expect((await main.root('DELETE', path)).status).toBe(404);
    expect((await main.root('DELETE', main.server(one), { remove: true })).status).toBe(400);
  });

  row('3.6/stop-scope', async ({ main }) => {
    const one = await main.person();
    await main.start(one);
    const reads = await main.scoped([`read:servers!user=${one}`]);
    expect((await reads('DELETE', main.server(one))).status).toBe(403);
    const stops = await main.scoped([`delete:servers!user=${one}`]);
    expect((await stops('DELETE', main.server(one))).status).toBe(204);
    expect((await stops('POST', main.server(one))).status).toBe(403);
  });

  row('3.7/start-options', async ({ main }) => {
    const one = await main.person();
    const options = async () => (await main.root('GET', `/users/${one}`)).json().servers.o.user_options;
    const path = main.server(one, 'o');
    expect([201, 202]).toContain((await main.root('POST', path, { size: 'big', extra: [1] })).status);
    await eventually(async () => (await main.root('GET', `/users/${one}`)).json().servers.o?.ready, Boolean);
    expect(await options()).toEqual({ size: 'big', extra: [1] });
    expect((await main.root('DELETE', path)).status).toBe(204);
    await main.start(one, 'o');
    expect(await options()).toEqual({ size: 'big', extra: [1] });
  });

  row('3.7/start-options-named', async ({ main }) => {
    const one = await main.person();
    const path = main.server(one, 'o');
    for (const body of [{ user_options: 'x' }, { display_name: 7 }, ['x']]) {
      expect([body, (await main.root('POST', path, body)).status]).toEqual([body, 400]);
    }
    const body = { display_name: 'Big One', user_options: { size: 'big' } };
    expect([201, 202]).toContain((await main.root('POST', path, body)).status);
    const { servers } = (await main.root('GET', `/users/${one}`)).json();
    expect(servers.o).toMatchObject(body);
  });

  row(['3.7/start-running', '3.7/start-unknown-user'], async ({ main }) => {
    const one = await main.person();
    await Promise.all([main.start(one), main.start(one, 'two')]);
    const again = await main.root('POST', main.server(one));
    expect([again.status, again.json().message]).toEqual([400, `${one} is already running`]);
    const named = await main.root('POST', main.server(one, 'two'));
    expect([named.status, named.json().message]).toEqual([400, `${one}:two is already running`]);
    expect((await main.root('POST', main.server('nobody-of-this-name'))).status).toBe(404);
  });

  row(['3.7/start-failed', '3.8/failed'], async ({ main }) => {
    const one = await main.person('exit-');
    const failed = await main.root('POST', main.server(one));
    expect([failed.status, failed.json()]).toMatchObject([500, { status: 500, message: expect.any(String) }]);
    const stream = await main.root('GET', `${main.server(one)}/progress`);
    const last = eventsOf(stream.text).at(-1);
    expect(last).toMatchObject({ progress: 100, failed: true, message: expect.stringMatching(/^Spawn failed: /) });
  });

  row(['3.8/ready', '3.8/absent'], async ({ main }) => {
    const one = await main.person();
    const never = await main.root('GET', `${main.server(one)}/progress`);
    expect([400, 404]).toContain(never.status);
    for (const path of [main.server(one, 'unknown'), main.server('nobody-of-this-name')]) {
      expect((await main.root('GET', `${path}/progress`)).status).toBe(404);
    }
    await main.start(one);
    const url = `/user/${one}/`;
    const { text } = await main.root('GET', `${main.server(one)}/progress`);
    expect(eventsOf(text)).toEqual([
      {
        ...{ progress: 100, ready: true, message: `Server ready at ${url}`, url },
        html_message: `Server ready at <a href="${url}">${url}</a>`,
      },
    ]);
  });

  row('3.8/xsrf-in-address', async ({ main }) => {
    const one = await main.person();
    await main.start(one);
    const browser = await main.signIn(one);
    await browser.fetch('/hub/home');
    const xsrf = [...browser.cookies.values()].find(({ name }) => name === '_xsrf')?.value ?? '';
    const ask = async (query: string) =>
      (
        await browser.fetch(`/hub/api${main.server(one)}/progress${query}`, {
          headers: { 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' },
        })
      ).status;
    expect(await ask(`?_xsrf=${encodeURIComponent(xsrf)}`)).toBe(200);
    expect(await ask('')).toBe(403);
  });
});

/** The events of a stream that has ended. */
/** Follows a held start, from before anything that is asked after this. */
export async function watchHeld(hub: Hub, user: string): Promise<{ answer: Promise<Answer> }> {
  const path = `${hub.server(user)}/progress`;
  const answer = hub.root('GET', path);
  // Another one that came later has said how it began.
  const headers = { authorization: `token ${ROOT_TOKEN}` };
  await sendUntil(hub.origin, `/hub/api${path}`, headers, (text) => text.includes('data:'));
  return { answer };
}

export function eventsOf(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => JSON.parse(line.slice('data:'.length)));
}
