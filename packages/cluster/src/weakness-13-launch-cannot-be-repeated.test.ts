import { expect, test } from 'vitest';
import { account, shapeOf } from './testing/account.ts';
import { startClusterRig } from './testing/rig.ts';
import { upCluster } from './up.ts';

/*
 * cloudJHub's launch script could not be run again: it stopped at the names of groups and images that its first run had
 * left, and a failure in the middle left debris that nobody listed.
 */
test('a launch that failed in the middle is run again, goes on, and leaves one of each', async () => {
  await using whole = await startClusterRig();
  await upCluster(whole.input());
  const wanted = shapeOf(await account(whole.sim));

  await using rig = await startClusterRig();
  for (const action of [
    'AuthorizeSecurityGroupIngress',
    'iam:AddRoleToInstanceProfile',
    'CreateImage',
    'AttachVolume',
  ]) {
    const fault = rig.sim.faults.add({ action, code: 'InternalFailure', message: 'AWS had a bad minute', status: 400 });
    await expect(upCluster(rig.input()), action).rejects.toThrow(/AWS had a bad minute/);
    expect(fault.hits, action).toBe(1);
  }
  await upCluster(rig.input());
  expect(shapeOf(await account(rig.sim))).toEqual(wanted);
  const names = [...rig.sim.world.groups.values()].map(({ name, vpcId }) => `${name} ${vpcId}`);
  expect(new Set(names).size).toBe(names.length);

  const mark = rig.sim.calls.mark();
  await upCluster(rig.input());
  expect(rig.sim.calls.all({ since: mark, mutating: true })).toEqual([]);
});
