import { DescribeInstancesCommand, DescribeVolumesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { launchOf, refusal, running, startTestSim, tagging } from '../testing.ts';

const mine = { StringEquals: { 'ec2:ResourceTag/atrium:cluster-id': 'one' } };
const policy = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: ['ec2:RunInstances', 'ec2:CreateTags', 'ec2:DescribeInstances'], Resource: '*' },
    { Effect: 'Allow', Action: 'ec2:TerminateInstances', Resource: '*', Condition: mine },
  ],
};

test('a dry run says whether it would be allowed, and does nothing', async () => {
  await using t = await startTestSim({ policy });
  const [own] = await running(t, { TagSpecifications: [tagging('instance', { 'atrium:cluster-id': 'one' })] });
  const [foreign] = await running(t);
  const terminate = (id: string, DryRun: boolean) =>
    t.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id], DryRun }));

  const allowed = await terminate(own, true).catch((caught: unknown) => caught);
  expect(allowed).toMatchObject({ name: 'DryRunOperation', $metadata: { httpStatusCode: 412 } });
  expect(await refusal(terminate(foreign, true))).toBe('UnauthorizedOperation');
  expect(await refusal(t.ec2.send(launchOf(t.sim, { DryRun: true, ClientToken: 'x' })))).toBe('DryRunOperation');

  expect([...t.sim.world.instances.values()].map(({ state }) => state)).toEqual(['running', 'running']);
});

test('what the policy does not allow is refused with 403, on the resource that is to blame', async () => {
  await using t = await startTestSim({ policy });
  const [foreign] = await running(t);

  const error = await t.ec2.send(new DescribeVolumesCommand({})).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ name: 'UnauthorizedOperation', $metadata: { httpStatusCode: 403 } });
  await t.ec2.send(new DescribeInstancesCommand({}));
  expect(await refusal(t.ec2.send(new TerminateInstancesCommand({ InstanceIds: [foreign] })))).toBe(
    'UnauthorizedOperation',
  );

  expect(t.sim.world.instances.get(foreign)!.state).toBe('running');
  expect(t.sim.calls.all('TerminateInstances')[0]!.authorization).toMatchObject([
    { action: 'ec2:TerminateInstances', resource: `arn:aws:ec2:us-east-1:123456789012:instance/${foreign}` },
  ]);
});
