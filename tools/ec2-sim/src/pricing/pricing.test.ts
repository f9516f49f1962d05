import { GetProductsCommand, PricingClient } from '@aws-sdk/client-pricing';
import { expect, test } from 'vitest';
import { serviceEndpoint, testContext } from '../services/test-endpoint.ts';
import { createPricing, ec2Products } from './index.ts';

test('the hourly price of a type is found by filters', async () => {
  const context = testContext();
  const products = ec2Products('us-east-1', [
    { name: 't3.medium', vcpu: 2, memoryGib: 4, usdPerHour: 0.0416 },
    { name: 'g5.xlarge', vcpu: 4, memoryGib: 16, gpu: 1, usdPerHour: 1.006 },
  ]);
  await using endpoint = await serviceEndpoint(createPricing(context, products).service);
  const client = new PricingClient(endpoint.client);
  const filter = (Field: string, Value: string) => ({ Type: 'TERM_MATCH' as const, Field, Value });

  const { PriceList = [] } = await client.send(
    new GetProductsCommand({
      ServiceCode: 'AmazonEC2',
      Filters: [
        filter('regionCode', 'us-east-1'),
        filter('instanceType', 't3.medium'),
        filter('operatingSystem', 'Linux'),
        filter('tenancy', 'Shared'),
        filter('preInstalledSw', 'NA'),
        filter('capacitystatus', 'Used'),
      ],
    }),
  );
  expect(PriceList).toHaveLength(1);
  const { terms } = JSON.parse(String(PriceList[0]));
  const [term] = Object.values(terms.OnDemand) as {
    priceDimensions: Record<string, { pricePerUnit: { USD: string } }>;
  }[];
  expect(Object.values(term?.priceDimensions ?? {})[0]?.pricePerUnit.USD).toBe('0.0416000000');

  const none = await client.send(
    new GetProductsCommand({ ServiceCode: 'AmazonEC2', Filters: [filter('instanceType', 'x9.huge')] }),
  );
  expect(none.PriceList).toEqual([]);
  expect(context.violations).toEqual([]);
  await expect(
    client.send(new GetProductsCommand({ ServiceCode: 'AmazonEC2', Filters: [filter('colour', 'red')] })),
  ).rejects.toMatchObject({ name: 'InvalidParameterException' });
  expect(context.violations).toHaveLength(1);
});
