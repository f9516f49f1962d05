import { afterEach, expect, test } from 'vitest';
import { identityOf } from '../testing/agent.ts';
import { type Rig, startRig } from '../testing/rig.ts';

/*
 * cloudJHub: the host that a command went to was one variable of the whole process, so starts at the same moment could run
 * one person's server, with that person's token, on another's machine.
 */

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());

test('thirty people start at the same moment: each machine gets its own person’s server and nobody else’s', async () => {
  rig = await startRig();
  const people = Array.from({ length: 30 }, (_, n) => `person${n}`);
  for (const user of people) rig.hub.begin(`server-${user}`, { user });

  await Promise.all(people.map((user) => rig.hub.until(`server-${user}`, 'running')));

  const tokens = new Set<string>();
  for (const user of people) {
    const [id] = rig.living(`server-${user}`);
    const { answers } = rig.agents.get(id!)!;
    for (const answer of answers) {
      const env = answer.env as Record<string, string>;
      expect(answer).toMatchObject({ server: { id: `server-${user}`, user, prefix: `/user/${user}/` } });
      expect(rig.rows.get(`server-${user}`)!.tokens).toContain(env.JUPYTERHUB_API_TOKEN);
      expect(env.JUPYTERHUB_SERVICE_URL).toContain(rig.machines.get(id!)!.privateIp);
      tokens.add(env.JUPYTERHUB_API_TOKEN!);
    }
    const { volume } = answers.at(-1)!.home as { volume: string };
    const held = rig.sim.world.volumes.get(volume)!;
    expect([held.tags.get('atrium:user'), held.attachment?.instanceId]).toEqual([user, id]);
  }
  expect(tokens.size).toBeGreaterThanOrEqual(people.length);
}, 60_000);

test('a machine that shows another’s papers, or its own from another’s address, gets nothing', async () => {
  rig = await startRig({ silent: true });
  for (const [server, user] of [
    ['s1', 'ada'],
    ['s2', 'bob'],
  ] as const) {
    rig.hub.begin(server, { user });
    const state = () =>
      rig.hub.ensure(server).then(() => rig.sim.world.instances.get(rig.living(server)[0] ?? '')?.state);
    await expect.poll(state, { timeout: 20_000 }).toBe('running');
  }
  const [ada, bob] = ['s1', 's2'].map((server) => rig.machines.get(rig.living(server)[0]!)!);
  const papers = await identityOf(ada!);
  const hello = { ...papers, nonce: '0'.repeat(32), bootId: 'boot-of-bob' };

  await expect(rig.ask('hello', hello, bob!.privateIp)).rejects.toThrow('not recognised');

  expect(rig.rows.get('s1')!.tokens).toEqual([]);
});
