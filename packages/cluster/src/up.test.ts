import { describe, expect, it } from 'vitest';
import { account, foreignIn, shapeOf } from './testing/account.ts';
import { Killed, killAt } from './testing/guard.ts';
import { type ClusterRig, startClusterRig } from './testing/rig.ts';
import { strangersIn } from './testing/strangers.ts';
import { upCluster } from './up.ts';

const { ATRIUM_TEST_ALL } = process.env;

/** Longer than anybody's lock on a cluster lasts. */
const LOCK_OVER_MS = 121_000;

/** Mutating calls of a whole `up`, the lock's included. */
async function stepsOf(rig: ClusterRig): Promise<number> {
  const guard = killAt(Infinity, 'after');
  await upCluster(rig.input({}, guard));
  return guard.count;
}

/** A lock that nobody gave back ends by itself; the next run that changes something takes it. */
const withoutLock = (shape: string[]) => shape.filter((line) => !line.endsWith('/lock'));

async function mutationsOf(rig: ClusterRig, run: () => Promise<unknown>): Promise<string[]> {
  const mark = rig.sim.calls.mark();
  await run();
  return rig.sim.calls.all({ since: mark, mutating: true }).map(({ action }) => action);
}

describe('atrium cluster up', () => {
  it('makes everything, then finds everything there and makes no call that changes anything', async () => {
    await using rig = await startClusterRig();
    const first = await upCluster(rig.input());
    expect(first.changed.map(({ part }) => part)).toContain('manager');
    expect(first.fingerprint).toMatch(/^sha256\//);

    const second = await mutationsOf(rig, () => upCluster(rig.input()));
    expect(second).toEqual([]);
    expect(shapeOf(await account(rig.sim)).filter((line) => line.endsWith('/lock'))).toEqual([]);
    expect(rig.sim.violations).toEqual([]);
  });

  it('goes on after being killed at each of its calls in turn, and makes nothing twice', async () => {
    await using whole = await startClusterRig();
    const steps = await stepsOf(whole);
    const wanted = shapeOf(await account(whole.sim));
    expect(steps).toBeGreaterThan(30);

    await using rig = await startClusterRig();
    let runs = 0;
    for (let isDone = false; !isDone; runs++) {
      expect(runs, rig.said.join('\n')).toBeLessThan(2 * steps);
      // The first two calls of a run that takes over are about the lock; the third does something.
      const guard = killAt(runs === 0 ? 2 : 3, runs % 2 === 0 ? 'after' : 'before');
      // A run killed before its third call did nothing: the next one is let through it.
      if (runs % 2 === 1) guard.at = 4;
      isDone = await upCluster(rig.input({}, guard)).then(
        () => true,
        (error: Error) => {
          if (!(error instanceof Killed)) throw error;
          return false;
        },
      );
      await rig.pass(LOCK_OVER_MS);
    }
    expect(runs).toBeGreaterThan(20);
    expect(withoutLock(shapeOf(await account(rig.sim)))).toEqual(wanted);
    expect(await mutationsOf(rig, () => upCluster(rig.input()))).toEqual([]);
    expect(rig.sim.violations).toEqual([]);
  });

  // All of them take minutes; every fifth is looked at each time, the two rounds beside each other.
  it.each(['before', 'after'] as const)(
    'killed once, %s any one of its calls, converges at the next run',
    async (when) => {
      await using whole = await startClusterRig();
      const steps = await stepsOf(whole);
      const wanted = shapeOf(await account(whole.sim));
      const every = ATRIUM_TEST_ALL ? 1 : 5;
      for (let at = when === 'before' ? 1 : Math.min(every, 3); at <= steps; at += every) {
        await using rig = await startClusterRig();
        const where = `killed ${when} call ${at} of ${steps}`;
        await expect(upCluster(rig.input({}, killAt(at, when))), where).rejects.toThrow(Killed);
        await rig.pass(LOCK_OVER_MS);
        await upCluster(rig.input());
        expect(withoutLock(shapeOf(await account(rig.sim))), where).toEqual(wanted);
        expect(await mutationsOf(rig, () => upCluster(rig.input())), where).toEqual([]);
        expect(rig.sim.violations, where).toEqual([]);
      }
    },
    300_000,
  );

  it('leaves everything of others as it is, byte by byte', async () => {
    await using rig = await startClusterRig();
    await strangersIn(rig);
    const before = foreignIn(await account(rig.sim));
    expect(before.length).toBeGreaterThan(12);
    await upCluster(rig.input());
    expect(foreignIn(await account(rig.sim))).toEqual(expect.arrayContaining(before));
  });

  it('refuses a second run while one is at work, and says whose it is', async () => {
    await using rig = await startClusterRig();
    await expect(upCluster(rig.input({}, killAt(6, 'after')))).rejects.toThrow(Killed);
    await expect(upCluster(rig.input())).rejects.toThrow(/up is at work on "class".*process \d+/);
  });

  it('uses a network that others made, and changes nothing of it', async () => {
    await using rig = await startClusterRig();
    const [one, two] = [...rig.sim.world.subnets.values()];
    const network = { vpc: one!.vpcId, subnets: [one!.id, two!.id], managerSubnet: one!.id };
    const before = foreignIn(await account(rig.sim)).filter((text) => /"id":"(vpc|subnet|rtb|igw)-/.test(text));
    await upCluster(rig.input({ network }));
    const made = shapeOf(await account(rig.sim));
    expect(made.filter((line) => /^(vpcs|subnets|routeTables|gateways|endpoints)/.test(line))).toEqual([]);
    expect(foreignIn(await account(rig.sim)).filter((text) => /"id":"(vpc|subnet|rtb|igw)-/.test(text))).toEqual(
      before,
    );
    expect(await mutationsOf(rig, () => upCluster(rig.input({ network })))).toEqual([]);
  });
});
