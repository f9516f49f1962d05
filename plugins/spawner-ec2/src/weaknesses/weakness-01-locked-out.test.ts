import { afterEach, expect, test } from 'vitest';
import { type Rig, startRig } from '../testing/rig.ts';

/*
 * cloudJHub: an instance that was terminated outside the hub locked its owner out for good: an error for about an hour,
 * another one for ever, until an administrator edited the database.
 */

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());

test('whenever the instance was terminated by hand, the next sign-in gets a new one with the same home', async () => {
  rig = await startRig({ sim: { delays: { terminatedVisibleMs: 30_000 } } });
  const { world } = rig.sim;
  const seen = new Set<string>();
  const homeOf = (id: string) =>
    [...world.volumes.values()].find(({ attachment, tags }) => {
      return attachment?.instanceId === id && tags.get('atrium:role') === 'home';
    })?.id;
  rig.hub.begin('s1');
  await rig.hub.until('s1', 'running');
  const home = homeOf(rig.living('s1')[0]!);
  expect(home).toBeDefined();

  // At once, when it is gone from sight, and while its owner works on it.
  for (const when of ['shutting-down', 'terminated', 'forgotten', 'running']) {
    const [id] = rig.living('s1');
    seen.add(id!);
    if (when !== 'running') await rig.hub.end('s1');
    rig.sim.byHand.terminate(id!);
    const state = () => world.instances.get(id!)?.state ?? 'forgotten';
    if (when === 'running') {
      await expect.poll(() => rig.hub.observe('s1').then(({ phase }) => phase), { timeout: 20_000 }).toBe('absent');
      await rig.hub.end('s1');
    } else await expect.poll(state, { timeout: 20_000, interval: 5 }).toBe(when);

    rig.hub.begin('s1');
    await rig.hub.until('s1', 'running');

    expect(seen.has(rig.living('s1')[0]!), when).toBe(false);
    expect(homeOf(rig.living('s1')[0]!), when).toBe(home);
  }
}, 60_000);
