import { GetServiceQuotaCommand, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { expect, test } from 'vitest';
import { serviceEndpoint, testContext } from '../services/test-endpoint.ts';
import { createQuotas } from './index.ts';

test('a quota is read by its code, as set or as a new account has it', async () => {
  const context = testContext();
  const values: Record<string, number> = { 'L-1216C47A': 64 };
  await using endpoint = await serviceEndpoint(createQuotas(context, (code) => values[code]).service);
  const client = new ServiceQuotasClient(endpoint.client);
  const read = async (QuotaCode: string, ServiceCode = 'ec2') =>
    (await client.send(new GetServiceQuotaCommand({ ServiceCode, QuotaCode }))).Quota?.Value;

  expect(await read('L-1216C47A')).toBe(64);
  expect(await read('L-DB2E81BA')).toBe(0);
  values['L-DB2E81BA'] = 8;
  expect(await read('L-DB2E81BA')).toBe(8);
  await expect(read('L-00000000')).rejects.toMatchObject({ name: 'NoSuchResourceException' });
  expect(context.violations).toEqual([]);
});
