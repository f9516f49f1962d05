import { DescribeImagesCommand, RunInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import * as iam from '@aws-sdk/client-iam';
import { GetProductsCommand, PricingClient } from '@aws-sdk/client-pricing';
import { GetServiceQuotaCommand, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { expect, test } from 'vitest';
import type { Ec2Sim } from '../sim.ts';
import { clientFor, refusal, startTestSim } from '../testing.ts';

const AL2023 = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64';

function settings(sim: Ec2Sim, who = 'test') {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = sim.env(who);
  return {
    endpoint: sim.endpoint,
    region: sim.region,
    credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY },
    maxAttempts: 1,
  };
}

/** What the metadata service of an instance answers. */
async function inside(sim: Ec2Sim, instanceId: string, path: string): Promise<string> {
  const endpoint = await sim.services.imds(instanceId);
  const put = await fetch(`${endpoint}/latest/api/token`, {
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' },
  });
  const answer = await fetch(`${endpoint}/latest/${path}`, {
    headers: { 'x-aws-ec2-metadata-token': await put.text() },
  });
  return answer.ok ? answer.text() : String(answer.status);
}

test('one endpoint answers for all services, by the name in the signature', async () => {
  await using it = await startTestSim({ quotas: { 'L-1216C47A': 64 } });
  const config = settings(it.sim, 'ada');

  const { Arn } = await new STSClient(config).send(new GetCallerIdentityCommand({}));
  expect(Arn).toBe('arn:aws:iam::123456789012:user/ada');
  const { Parameter } = await new SSMClient(config).send(new GetParameterCommand({ Name: AL2023 }));
  const { Images } = await it.ec2.send(new DescribeImagesCommand({ ImageIds: [Parameter?.Value ?? ''] }));
  expect(Images?.[0]?.Name).toContain('al2023');
  const quota = new GetServiceQuotaCommand({ ServiceCode: 'ec2', QuotaCode: 'L-1216C47A' });
  expect((await new ServiceQuotasClient(config).send(quota)).Quota?.Value).toBe(64);
  const Filters = [{ Type: 'TERM_MATCH' as const, Field: 'instanceType', Value: 't3.medium' }];
  const products = await new PricingClient(config).send(new GetProductsCommand({ ServiceCode: 'AmazonEC2', Filters }));
  expect(products.PriceList).toHaveLength(1);

  expect(it.sim.calls.all({ service: 'ssm' })).toMatchObject([
    { caller: 'ada', action: 'GetParameter', params: { Name: AL2023 }, mutating: false },
  ]);
  expect(it.sim.violations).toEqual([]);
});

test('an instance’s role gives it credentials, and its policy limits them', async () => {
  await using it = await startTestSim();
  const admin = new iam.IAMClient(settings(it.sim));
  const trust = { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' };
  await admin.send(
    new iam.CreateRoleCommand({ RoleName: 'manager', AssumeRolePolicyDocument: JSON.stringify({ Statement: trust }) }),
  );
  const onlyOwn = {
    Statement: [
      { Effect: 'Allow', Action: 'ec2:Describe*', Resource: '*' },
      {
        Effect: 'Allow',
        Action: 'ec2:StopInstances',
        Resource: '*',
        Condition: { StringEquals: { 'aws:ResourceTag/mine': 'yes' } },
      },
    ],
  };
  await admin.send(
    new iam.PutRolePolicyCommand({ RoleName: 'manager', PolicyName: 'p', PolicyDocument: JSON.stringify(onlyOwn) }),
  );
  await admin.send(new iam.CreateInstanceProfileCommand({ InstanceProfileName: 'manager' }));
  await admin.send(new iam.AddRoleToInstanceProfileCommand({ InstanceProfileName: 'manager', RoleName: 'manager' }));
  const launch = (mine: string) =>
    it.ec2.send(
      new RunInstancesCommand({
        ImageId: it.sim.world.imageAliases.get(AL2023),
        InstanceType: 't3.small',
        MinCount: 1,
        MaxCount: 1,
        IamInstanceProfile: { Name: 'manager' },
        TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'mine', Value: mine }] }],
      }),
    );
  expect(await refusal(launch('yes'))).toBe('InvalidParameterValue');
  await it.clock.advance(60_000);
  const ids = [await launch('yes'), await launch('no')].map(({ Instances }) => Instances?.[0]?.InstanceId ?? '');
  await it.clock.advance(60_000);

  const text = await inside(it.sim, ids[0]!, 'meta-data/iam/security-credentials/manager');
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken } = JSON.parse(text);
  const manager = clientFor(it.sim);
  manager.config.credentials = async () => ({ accessKeyId, secretAccessKey, sessionToken });
  expect(await refusal(manager.send(new StopInstancesCommand({ InstanceIds: [ids[1]!] })))).toBe(
    'UnauthorizedOperation',
  );
  await manager.send(new StopInstancesCommand({ InstanceIds: [ids[0]!] }));
  expect(it.sim.calls.all({ action: 'StopInstances' }).map(({ caller }) => caller)).toEqual(['manager', 'manager']);
  expect(it.sim.violations).toEqual([]);
});

test('a machine’s document names its newest start, and nothing answers in one that is off', async () => {
  await using it = await startTestSim();
  const { Instances } = await it.ec2.send(
    new RunInstancesCommand({
      ImageId: it.sim.world.imageAliases.get(AL2023),
      InstanceType: 't3.small',
      MinCount: 1,
      MaxCount: 1,
      MetadataOptions: { HttpTokens: 'required', InstanceMetadataTags: 'enabled' },
      TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'atrium:role', Value: 'worker' }] }],
    }),
  );
  const { InstanceId = '', PrivateIpAddress, LaunchTime } = Instances?.[0] ?? {};
  await it.clock.advance(60_000);
  const document = JSON.parse(await inside(it.sim, InstanceId, 'dynamic/instance-identity/document'));
  expect(document).toMatchObject({ instanceId: InstanceId, privateIp: PrivateIpAddress });
  expect(Math.floor(Number(LaunchTime) / 1000) * 1000).toBe(Date.parse(document.pendingTime));
  expect(await inside(it.sim, InstanceId, 'meta-data/tags/instance/atrium:role')).toBe('worker');

  await it.ec2.send(new StopInstancesCommand({ InstanceIds: [InstanceId] }));
  await it.clock.advance(60_000);
  await expect(inside(it.sim, InstanceId, 'meta-data/instance-id')).rejects.toThrow();
});
