import { DecodeAuthorizationMessageCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { expect, test } from 'vitest';
import { serviceEndpoint, testContext } from '../services/test-endpoint.ts';
import { createSts } from './index.ts';

test('tells who the caller is and decodes nothing', async () => {
  const context = testContext();
  await using endpoint = await serviceEndpoint(createSts(context).service);
  const client = new STSClient(endpoint.client);

  expect(await client.send(new GetCallerIdentityCommand({}))).toMatchObject({
    Account: '123456789012',
    Arn: 'arn:aws:iam::123456789012:user/test',
  });
  await expect(client.send(new DecodeAuthorizationMessageCommand({ EncodedMessage: 'x' }))).rejects.toMatchObject({
    name: 'AccessDenied',
  });
  expect(context.violations).toEqual([]);
});
