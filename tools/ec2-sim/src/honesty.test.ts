import {
  CopyImageCommand,
  DescribeInstanceStatusCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  StartInstancesCommand,
} from '@aws-sdk/client-ec2';
import { GetAccountSummaryCommand, IAMClient } from '@aws-sdk/client-iam';
import { ListDocumentsCommand, SSMClient } from '@aws-sdk/client-ssm';
import { expect, test } from 'vitest';
import { clientSettings, launchOf, refusal, startTestSim } from './testing.ts';

test('an action, a parameter and a filter that are not simulated are errors, and noted', async () => {
  await using t = await startTestSim({ unknown: 'note' });
  const copy = new CopyImageCommand({ Name: 'x', SourceImageId: 'ami-1', SourceRegion: 'eu-west-1' });
  const filter = (Name: string) => ({ Filters: [{ Name, Values: ['x'] }] });

  expect(await refusal(t.ec2.send(copy))).toBe('InvalidAction');
  expect(await refusal(t.ec2.send(launchOf(t.sim, { RamdiskId: 'ari-1' })))).toBe('UnknownParameter');
  expect(await refusal(t.ec2.send(launchOf(t.sim, { Placement: { GroupName: 'rack' } })))).toBe('UnknownParameter');
  expect(await refusal(t.ec2.send(new DescribeVolumesCommand(filter('colour'))))).toBe('InvalidParameterValue');

  expect(t.sim.violations).toEqual([
    { kind: 'action', caller: 'test', action: 'CopyImage', message: 'The simulator has no action CopyImage' },
    { kind: 'parameter', caller: 'test', action: 'RunInstances', message: 'RamdiskId' },
    { kind: 'parameter', caller: 'test', action: 'RunInstances', message: 'Placement.GroupName' },
    { kind: 'filter', caller: 'test', action: 'DescribeVolumes', message: 'colour' },
  ]);
  expect(t.sim.world.instances.size).toBe(0);
});

test('the other services are as strict', async () => {
  await using t = await startTestSim({ unknown: 'note' });

  await refusal(new IAMClient(clientSettings(t.sim)).send(new GetAccountSummaryCommand({})));
  await refusal(new SSMClient(clientSettings(t.sim)).send(new ListDocumentsCommand({})));
  const scope = 'AWS4-HMAC-SHA256 Credential=AKIA/20261121/us-east-1/sqs/aws4_request, Signature=0';
  const answer = await fetch(t.sim.endpoint, { method: 'POST', headers: { authorization: scope }, body: 'Action=X' });

  expect(answer.status).toBe(404);
  expect(t.sim.violations.map(({ kind, action }) => [kind, action])).toEqual([
    ['action', 'iam:GetAccountSummary'],
    ['action', 'ssm:ListDocuments'],
    ['service', 'sqs'],
  ]);
});

test('a test that asked for something unknown fails at its end, though all went well', async () => {
  const t = await startTestSim();
  await refusal(t.ec2.send(new DescribeVolumesCommand({ Filters: [{ Name: 'colour', Values: ['red'] }] })));

  const end = t[Symbol.asyncDispose]();

  await expect(end).rejects.toThrow('filter of DescribeVolumes (test): colour');
});

test('what AWS itself refuses is an error and no violation', async () => {
  await using t = await startTestSim();
  const byTag = { Filters: [{ Name: 'tag:a', Values: ['b'] }] };
  const many = Array.from({ length: 101 }, (_, n) => `i-${n.toString(16).padStart(17, '0')}`);
  const none = { Filters: [{ Name: 'instance-state-name', Values: [] }] };

  expect(await refusal(t.ec2.send(new DescribeInstanceStatusCommand(byTag)))).toBe('InvalidParameterValue');
  expect(await refusal(t.ec2.send(new DescribeInstanceStatusCommand({ InstanceIds: many })))).toBe(
    'InvalidParameterValue',
  );
  expect(await refusal(t.ec2.send(new DescribeInstancesCommand(none)))).toBe('InvalidParameterValue');
  expect(await refusal(t.ec2.send(new StartInstancesCommand({ InstanceIds: ['i-00000000000000000'] })))).toBe(
    'InvalidInstanceID.NotFound',
  );

  expect(t.sim.violations).toEqual([]);
});

test('who does not sign is not served', async () => {
  await using t = await startTestSim();

  const answer = await fetch(t.sim.endpoint, { method: 'POST', body: 'Action=DescribeInstances&Version=2016-11-15' });

  expect(answer.status).toBe(401);
  expect(await answer.text()).toContain('<Code>AuthFailure</Code>');
});

test('letters that XML takes as its own come through whole', async () => {
  await using t = await startTestSim();
  const UserData = Buffer.from('#cloud-config\n# <&>"\'é\n').toString('base64');

  const { Instances } = await t.ec2.send(
    launchOf(t.sim, {
      UserData,
      TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'Name', Value: 'Ærø + 10:30 @ a/b_c=d' }] }],
    }),
  );
  const missing = await t.ec2
    .send(new DescribeInstancesCommand({ Filters: [{ Name: 'tag:<&>', Values: ['"'] }] }))
    .then(({ Reservations }) => Reservations);
  const error = await t.ec2
    .send(launchOf(t.sim, { InstanceType: '<&">' as 't3.micro' }))
    .catch((caught: Error) => caught.message);
  await t.clock.advance(3_000);
  const shown = await t.ec2.send(new DescribeInstancesCommand({ InstanceIds: [Instances![0]!.InstanceId!] }));

  expect(missing).toEqual([]);
  expect(error).toBe(`Invalid value '<&">' for InstanceType.`);
  expect(shown.Reservations![0]!.Instances![0]!.Tags).toEqual([{ Key: 'Name', Value: 'Ærø + 10:30 @ a/b_c=d' }]);
});
