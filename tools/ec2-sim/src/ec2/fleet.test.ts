import { CreateFleetCommand, CreateLaunchTemplateCommand } from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { refusal, someImage, startTestSim, subnetIn, type TestSim, tagging } from '../testing.ts';

async function fleet(
  t: TestSim,
  more: { types: string[]; count: number; spot?: boolean; kind?: 'instant' | 'maintain' },
) {
  const made = await t.ec2.send(
    new CreateLaunchTemplateCommand({
      LaunchTemplateName: 'workers',
      LaunchTemplateData: { ImageId: someImage(t.sim), InstanceType: 't3.small' },
    }),
  );
  return t.ec2.send(
    new CreateFleetCommand({
      Type: more.kind ?? 'instant',
      LaunchTemplateConfigs: [
        {
          LaunchTemplateSpecification: { LaunchTemplateId: made.LaunchTemplate!.LaunchTemplateId!, Version: '1' },
          Overrides: more.types.map((InstanceType, Priority) => ({
            InstanceType: InstanceType as 't3.micro',
            SubnetId: subnetIn(t.sim, 'us-east-1a'),
            Priority,
          })),
        },
      ],
      TargetCapacitySpecification: {
        TotalTargetCapacity: more.count,
        DefaultTargetCapacityType: more.spot ? 'spot' : 'on-demand',
      },
      TagSpecifications: [tagging('instance', { 'atrium:role': 'spare' })],
    }),
  );
}

test('a fleet gives what it can get, and an error for each override that failed', async () => {
  await using t = await startTestSim({
    capacity: [
      { type: 't3.medium', available: 2 },
      { type: 't3.large', available: 0 },
    ],
  });

  const { Instances, Errors } = await fleet(t, { types: ['t3.medium', 't3.large', 't3a.large'], count: 5 });

  expect(Instances!.map(({ InstanceType, InstanceIds }) => [InstanceType, InstanceIds!.length])).toEqual([
    ['t3.medium', 2],
    ['t3a.large', 3],
  ]);
  expect(Errors).toMatchObject([
    {
      ErrorCode: 'InsufficientInstanceCapacity',
      LaunchTemplateAndOverrides: { Overrides: { InstanceType: 't3.medium' } },
    },
    {
      ErrorCode: 'InsufficientInstanceCapacity',
      LaunchTemplateAndOverrides: { Overrides: { InstanceType: 't3.large' } },
    },
  ]);
  expect([...t.sim.world.instances.values()].every(({ tags }) => tags.get('atrium:role') === 'spare')).toBe(true);
});

test('a fleet that gets nothing answers with errors only', async () => {
  await using t = await startTestSim({ capacity: [{ market: 'spot', available: 0 }] });

  const { Instances, Errors } = await fleet(t, { types: ['t3.medium'], count: 1, spot: true });

  expect(Instances ?? []).toEqual([]);
  expect(Errors).toMatchObject([{ ErrorCode: 'InsufficientInstanceCapacity', Lifecycle: 'spot' }]);
});

test('another kind of fleet than instant is refused and noted', async () => {
  await using t = await startTestSim({ unknown: 'note' });

  expect(await refusal(fleet(t, { types: ['t3.medium'], count: 1, kind: 'maintain' }))).toBe('InvalidParameterValue');
  expect(t.sim.violations).toMatchObject([{ kind: 'value', action: 'CreateFleet' }]);
});
