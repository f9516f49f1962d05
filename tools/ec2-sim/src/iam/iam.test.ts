import * as iam from '@aws-sdk/client-iam';
import { IAMClient, paginateListRoles } from '@aws-sdk/client-iam';
import { expect, test } from 'vitest';
import { serviceEndpoint, testContext } from '../services/test-endpoint.ts';
import { createIam } from './index.ts';

const trust = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
});
const policy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'ec2:DescribeInstances', Resource: '*' }],
});

async function iamUnderTest() {
  const context = testContext();
  const sim = createIam(context);
  const endpoint = await serviceEndpoint(sim.service);
  const client = new IAMClient(endpoint.client);
  const dispose = async () => {
    client.destroy();
    await endpoint[Symbol.asyncDispose]();
  };
  return { context, sim, client, [Symbol.asyncDispose]: dispose };
}

test('a role, its policy and its profile live and are taken apart in order', async () => {
  await using it = await iamUnderTest();
  const { client } = it;
  const { Role } = await client.send(
    new iam.CreateRoleCommand({
      RoleName: 'manager',
      Path: '/atrium/physics/',
      AssumeRolePolicyDocument: trust,
      Description: 'a & b',
      Tags: [{ Key: 'atrium:cluster-id', Value: 'one' }],
    }),
  );
  expect(Role).toMatchObject({
    Arn: 'arn:aws:iam::123456789012:role/atrium/physics/manager',
    Description: 'a & b',
    Tags: [{ Key: 'atrium:cluster-id', Value: 'one' }],
    CreateDate: new Date(it.context.clock.now()),
  });
  await client.send(new iam.PutRolePolicyCommand({ RoleName: 'manager', PolicyName: 'hub', PolicyDocument: policy }));
  await client.send(new iam.CreateInstanceProfileCommand({ InstanceProfileName: 'manager', Path: '/atrium/physics/' }));
  await client.send(new iam.AddRoleToInstanceProfileCommand({ InstanceProfileName: 'manager', RoleName: 'manager' }));

  const read = await client.send(new iam.GetRolePolicyCommand({ RoleName: 'manager', PolicyName: 'hub' }));
  expect(decodeURIComponent(read.PolicyDocument ?? '')).toBe(policy);
  const profile = await client.send(new iam.GetInstanceProfileCommand({ InstanceProfileName: 'manager' }));
  expect(profile.InstanceProfile?.Roles?.map(({ RoleName }) => RoleName)).toEqual(['manager']);

  const deleteRole = () => client.send(new iam.DeleteRoleCommand({ RoleName: 'manager' }));
  const deleteProfile = () => client.send(new iam.DeleteInstanceProfileCommand({ InstanceProfileName: 'manager' }));
  await expect(deleteRole()).rejects.toMatchObject({ name: 'DeleteConflictException' });
  await expect(deleteProfile()).rejects.toMatchObject({ name: 'DeleteConflictException' });
  await client.send(
    new iam.RemoveRoleFromInstanceProfileCommand({ InstanceProfileName: 'manager', RoleName: 'manager' }),
  );
  await expect(deleteRole()).rejects.toMatchObject({ name: 'DeleteConflictException' });
  await client.send(new iam.DeleteRolePolicyCommand({ RoleName: 'manager', PolicyName: 'hub' }));
  await deleteRole();
  await deleteProfile();
  await expect(client.send(new iam.GetRoleCommand({ RoleName: 'manager' }))).rejects.toMatchObject({
    name: 'NoSuchEntityException',
    $metadata: { httpStatusCode: 404 },
  });
  expect(it.context.violations).toEqual([]);
});

test('a name that is taken is refused', async () => {
  await using it = await iamUnderTest();
  const create = () =>
    it.client.send(new iam.CreateRoleCommand({ RoleName: 'worker', AssumeRolePolicyDocument: trust }));
  await create();
  await expect(create()).rejects.toMatchObject({ name: 'EntityAlreadyExistsException' });
});

test('a fresh profile is not known to EC2 until some time has passed', async () => {
  await using it = await iamUnderTest();
  expect(it.sim.profile('worker').state).toBe('unknown');
  await it.client.send(new iam.CreateRoleCommand({ RoleName: 'worker', AssumeRolePolicyDocument: trust }));
  const made = await it.client.send(new iam.CreateInstanceProfileCommand({ InstanceProfileName: 'worker' }));
  await it.client.send(new iam.AddRoleToInstanceProfileCommand({ InstanceProfileName: 'worker', RoleName: 'worker' }));
  expect(it.sim.profile('worker').state).toBe('fresh');
  it.context.clock.advance(5_000);
  expect(it.sim.profile(made.InstanceProfile?.Arn ?? '')).toMatchObject({
    state: 'ready',
    roleArn: 'arn:aws:iam::123456789012:role/worker',
  });
});

test('documents that IAM would refuse are refused', async () => {
  await using it = await iamUnderTest();
  await it.client.send(new iam.CreateRoleCommand({ RoleName: 'worker', AssumeRolePolicyDocument: trust }));
  const put = (PolicyDocument: string) =>
    it.client.send(new iam.PutRolePolicyCommand({ RoleName: 'worker', PolicyName: 'p', PolicyDocument }));
  await expect(put('{')).rejects.toMatchObject({ name: 'MalformedPolicyDocumentException' });
  await expect(put(trust)).rejects.toMatchObject({ name: 'MalformedPolicyDocumentException' });
  const long = { Statement: [{ Effect: 'Allow', Action: 'a:b', Resource: `arn:${'x'.repeat(11_000)}` }] };
  await expect(put(JSON.stringify(long))).rejects.toMatchObject({ name: 'LimitExceededException' });
});

test('lists come in pages and by path', async () => {
  await using it = await iamUnderTest();
  for (let n = 0; n < 5; n++)
    await it.client.send(
      new iam.CreateRoleCommand({ RoleName: `r${n}`, Path: n < 3 ? '/a/' : '/b/', AssumeRolePolicyDocument: trust }),
    );
  const names: string[] = [];
  let pages = 0;
  for await (const page of paginateListRoles({ client: it.client, pageSize: 2 }, { PathPrefix: '/a/' })) {
    pages++;
    names.push(...(page.Roles ?? []).map(({ RoleName = '' }) => RoleName));
  }
  expect([names, pages]).toEqual([['r0', 'r1', 'r2'], 2]);
});

test('an action or parameter that is not simulated fails and is noted', async () => {
  await using it = await iamUnderTest();
  await expect(it.client.send(new iam.ListUsersCommand({}))).rejects.toMatchObject({ name: 'InvalidAction' });
  await expect(
    it.client.send(
      new iam.CreateRoleCommand({
        RoleName: 'x',
        AssumeRolePolicyDocument: trust,
        PermissionsBoundary: 'arn:aws:iam::aws:policy/X',
      }),
    ),
  ).rejects.toMatchObject({ name: 'ValidationError' });
  expect(it.context.violations).toEqual([
    'iam:ListUsers: unknown action',
    'iam:CreateRole: unknown parameter PermissionsBoundary',
  ]);
});
