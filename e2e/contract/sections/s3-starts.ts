import { expect } from 'vitest';
import { eventually, sendUntil } from '../client.ts';
import type { Hub } from '../hub.ts';
import { section } from '../suite.ts';
import { ROOT_TOKEN } from '../world.ts';
import { eventsOf, startHeld, watchHeld } from './s3-servers.ts';

const ROOT = { authorization: `token ${ROOT_TOKEN}` };

/** A start that fails while the hub that asks for it still waits; and what progress says of it. */
async function failing(hub: Hub, user: string, body?: object) {
  const answer = await hub.root('POST', hub.server(user), body);
  const progress = await hub.root('GET', `${hub.server(user)}/progress`);
  return { answer, last: eventsOf(progress.text).at(-1) };
}

/** Starts somebody's server that takes its time to stop, and asks it to. */
async function stopHeld(hub: Hub): Promise<{ user: string; status: number; end(): Promise<void> }> {
  const user = await hub.person('slow-');
  await eventually(
    () => hub.root('POST', hub.server(user)),
    ({ status }) => status !== 429,
  );
  await eventually(async () => (await hub.root('GET', `/users/${user}`)).json().server, Boolean);
  const { status } = await hub.root('DELETE', hub.server(user));
  return {
    user,
    status,
    async end() {
      hub.gate.open(`held-${user}`);
      await eventually(
        async () => (await hub.root('GET', `/users/${user}`)).json().servers,
        (servers) => Object.keys(servers).length === 0,
      );
    },
  };
}

export const starts = section('REST, starts and stops', (row, alone) => {
  row('3.7/start-options-empty', async ({ main }) => {
    const one = await main.person();
    const path = main.server(one, 'o');
    expect((await main.root('POST', path, { size: 'big' })).status).toBe(201);
    expect((await main.root('DELETE', path)).status).toBe(204);
    expect((await main.root('POST', path, {})).status).toBe(201);
    expect((await main.root('GET', `/users/${one}`)).json().servers.o.user_options).toEqual({ size: 'big' });
  });

  row(['3.7/start-refused', '3.8/failed-text'], async ({ main }) => {
    const { answer, last } = await failing(main, await main.person(), { contract: 'refuse' });
    expect([answer.status, answer.json()]).toMatchObject([418, { status: 418 }]);
    expect(last).toMatchObject({ failed: true, message: expect.stringMatching(/^Spawn failed: .*teapot/) });
  });

  row('3.7/start-refused-reason', async ({ main }) => {
    const { answer, last } = await failing(main, await main.person(), { contract: 'image' });
    expect([answer.status, answer.json()]).toMatchObject([410, { status: 410, message: 'bad image' }]);
    expect(last).toMatchObject({ failed: true, message: expect.stringMatching(/^Spawn failed: .*bad image$/) });
  });

  row('10.2/answer-timeout', async ({ sealed }) => {
    const { answer, last } = await failing(sealed, await sealed.person('mute-'));
    expect(answer.status).toBe(500);
    expect(last).toMatchObject({ failed: true, message: expect.stringMatching(/^Spawn failed: .*3 seconds/) });
  });

  row('10.2/start-timeout', async ({ sealed }) => {
    const one = await sealed.person();
    expect((await sealed.root('POST', sealed.server(one), { contract: 'hang' })).status).toBe(202);
    const progress = await sealed.root('GET', `${sealed.server(one)}/progress`);
    expect(eventsOf(progress.text).at(-1)).toMatchObject({
      failed: true,
      message: expect.stringMatching(/^Spawn failed: /),
    });
    await eventually(
      async () => (await sealed.root('GET', `/users/${one}`)).json(),
      ({ server, pending }) => server === null && pending === null,
    );
  });

  row(['3.7/start-interrupted', '3.8/after-cancelled'], async ({ main }) => {
    const user = await main.person('held-');
    const started = main.root('POST', main.server(user));
    await eventually(
      async () => (await main.root('GET', `/users/${user}`)).json().pending,
      (pending) => pending === 'spawn',
    );
    const { status } = await main.root('DELETE', main.server(user));
    // JupyterHub gives the start it calls off a second to end, answers 500 when it is busier than that, and stops it when asked again.
    if (main.kind !== 'atrium' && status === 500) {
      await eventually(
        () => main.root('DELETE', main.server(user)),
        (again) => again.status === 202 || again.status === 204,
      );
    } else {
      expect([202, 204]).toContain(status);
    }
    expect((await started).status).toBeGreaterThanOrEqual(400);
    const after = await eventually(
      async () => (await main.root('GET', `${main.server(user)}/progress`)).status,
      (status) => status !== 200,
    );
    expect([400, 404]).toContain(after);
    main.gate.open(user);
  });

  row('3.8/first', async ({ main }) => {
    const { user, end } = await startHeld(main);
    const { answer } = await watchHeld(main, user);
    await end();
    const events = eventsOf((await answer).text);
    expect(events[0]).toEqual({ progress: 0, message: 'Server requested' });
    expect(events.at(-1)).toMatchObject({ progress: 100, ready: true });
    for (const event of events.slice(1, -1)) {
      expect(event).toMatchObject({ progress: expect.any(Number), message: expect.any(String) });
      expect(event.progress).toBeLessThan(100);
    }
  });

  row('3.8/keep-alive', async ({ main }) => {
    const { user, end } = await startHeld(main);
    const path = `/hub/api${main.server(user)}/progress`;
    const text = await sendUntil(main.origin, path, ROOT, (got) => /^\n\n[\s\S]*data: [^\n]*\n\n\n\n/.test(got));
    expect(text.startsWith('\n\n')).toBe(true);
    await end();
  });

  alone(['3.6/stop-slow', '10.2/slow-stop', '3.7/start-pending-stop', '3.5/delete-stopping'], async ({ strict }) => {
    const { user, status, end } = await stopHeld(strict);
    expect(status).toBe(202);
    const model = (await strict.root('GET', `/users/${user}`)).json();
    expect(model.servers['']).toMatchObject({ pending: 'stop', ready: false });
    const again = await strict.root('POST', strict.server(user));
    expect([again.status, again.json().message]).toEqual([400, expect.stringMatching(/ is pending stop$/)]);
    expect((await strict.root('DELETE', strict.server(user))).status).toBe(202);
    expect((await strict.root('DELETE', `/users/${user}`)).status).toBe(400);
    await end();
    expect((await strict.root('DELETE', `/users/${user}`)).status).toBe(204);
  });
});

/** The last one of its hub, which it ends where that is set. */
export const failures = section('a hub that has had enough', (_row, alone) => {
  alone('10.2/failures', async ({ sealed }) => {
    const people = await Promise.all(Array.from({ length: 5 }, () => sealed.person('exit-')));
    // It may be on its way already.
    for (const one of people) await sealed.root('POST', sealed.server(one)).catch(() => undefined);
    const alive = async () => (await sealed.root('GET', '/info').catch(() => undefined))?.status === 200;
    await eventually(alive, (is) => !is, 20_000);
  });
});
