import * as ssm from '@aws-sdk/client-ssm';
import { expect, test } from 'vitest';
import { serviceEndpoint, testContext } from '../services/test-endpoint.ts';
import { createSsm } from './index.ts';

const AL2023 = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64';

async function ssmUnderTest() {
  const context = testContext();
  const endpoint = await serviceEndpoint(createSsm(context, [[AL2023, 'ami-0a1b2c3d4e5f60718']]).service);
  const client = new ssm.SSMClient(endpoint.client);
  return { context, client, [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose]() };
}

test('a parameter without Overwrite is a lock: one of two wins', async () => {
  await using it = await ssmUnderTest();
  const put = (Value: string) =>
    it.client.send(
      new ssm.PutParameterCommand({ Name: '/atrium/physics/lock', Value, Type: 'String', Overwrite: false }),
    );
  const results = await Promise.allSettled([put('a'), put('b')]);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  const refused = results.find((result) => result.status === 'rejected') as PromiseRejectedResult;
  expect(refused.reason).toMatchObject({ name: 'ParameterAlreadyExists' });
});

test('overwriting makes a new version and keeps the old ones readable', async () => {
  await using it = await ssmUnderTest();
  const Name = '/atrium/physics/state';
  await it.client.send(
    new ssm.PutParameterCommand({ Name, Value: 'one', Type: 'String', Tags: [{ Key: 'k', Value: 'v' }] }),
  );
  const { Version } = await it.client.send(new ssm.PutParameterCommand({ Name, Value: 'two', Overwrite: true }));
  expect(Version).toBe(2);
  const read = async (name: string) =>
    (await it.client.send(new ssm.GetParameterCommand({ Name: name }))).Parameter?.Value;
  expect([await read(Name), await read(`${Name}:1`)]).toEqual(['two', 'one']);
  const { TagList } = await it.client.send(
    new ssm.ListTagsForResourceCommand({ ResourceType: 'Parameter', ResourceId: Name }),
  );
  expect(TagList).toEqual([{ Key: 'k', Value: 'v' }]);
});

test('a secret is readable only with decryption', async () => {
  await using it = await ssmUnderTest();
  const Name = '/atrium/physics/secret';
  await it.client.send(new ssm.PutParameterCommand({ Name, Value: 'hush', Type: 'SecureString' }));
  const read = async (WithDecryption: boolean) =>
    (await it.client.send(new ssm.GetParameterCommand({ Name, WithDecryption }))).Parameter?.Value;
  expect(await read(true)).toBe('hush');
  expect(await read(false)).not.toContain('hush');
});

test('aliases of public images can be read and not written', async () => {
  await using it = await ssmUnderTest();
  const Name = AL2023;
  const { Parameter } = await it.client.send(new ssm.GetParameterCommand({ Name }));
  expect(Parameter?.Value).toBe('ami-0a1b2c3d4e5f60718');
  await expect(
    it.client.send(new ssm.PutParameterCommand({ Name, Value: 'ami-1', Overwrite: true })),
  ).rejects.toMatchObject({ name: 'AccessDeniedException' });
});

test('a path is listed in pages of ten', async () => {
  await using it = await ssmUnderTest();
  for (let n = 10; n < 23; n++)
    await it.client.send(new ssm.PutParameterCommand({ Name: `/atrium/p/${n}`, Value: String(n), Type: 'String' }));
  await it.client.send(new ssm.PutParameterCommand({ Name: '/atrium/p/deep/x', Value: 'x', Type: 'String' }));
  const values: string[] = [];
  for await (const page of ssm.paginateGetParametersByPath({ client: it.client }, { Path: '/atrium/p' }))
    values.push(...(page.Parameters ?? []).map(({ Value = '' }) => Value));
  expect(values).toEqual(Array.from({ length: 13 }, (_, n) => String(n + 10)));
  const { DeletedParameters, InvalidParameters } = await it.client.send(
    new ssm.DeleteParametersCommand({ Names: ['/atrium/p/10', '/atrium/none'] }),
  );
  expect([DeletedParameters, InvalidParameters]).toEqual([['/atrium/p/10'], ['/atrium/none']]);
  await expect(it.client.send(new ssm.DeleteParameterCommand({ Name: '/atrium/p/10' }))).rejects.toMatchObject({
    name: 'ParameterNotFound',
  });
  expect(it.context.violations).toEqual([]);
});

test('an action or parameter that is not simulated fails and is noted', async () => {
  await using it = await ssmUnderTest();
  await expect(it.client.send(new ssm.ListCommandsCommand({}))).rejects.toThrow('not known');
  await expect(
    it.client.send(new ssm.GetParametersByPathCommand({ Path: '/a', ParameterFilters: [{ Key: 'Type' }] })),
  ).rejects.toThrow('ParameterFilters');
  expect(it.context.violations).toHaveLength(2);
});
