import type { Aws } from './aws/clients.ts';
import { BUILT_IN, type PriceTable } from './prices.ts';

/**
 * The built-in table, with instance prices of the region from the Pricing API where that is allowed. What could not be
 * learned stays as built in for the region that the table is of, and unknown for others.
 */
export async function livePrices(aws: Aws, region: string, types: readonly string[], now: number): Promise<PriceTable> {
  const isHome = region === BUILT_IN.region;
  const perHour: Record<string, number> = isHome ? { ...BUILT_IN.perHour } : {};
  let learned = 0;
  for (const type of new Set(types)) {
    const price = await instancePrice(aws, region, type).catch(() => undefined);
    if (price === undefined) continue;
    perHour[type] = price;
    learned += 1;
  }
  if (learned === 0) return { ...BUILT_IN, perHour: isHome ? perHour : BUILT_IN.perHour };
  return { ...BUILT_IN, perHour, region, source: 'Pricing API', asOf: new Date(now).toISOString().slice(0, 10) };
}

async function instancePrice(aws: Aws, region: string, type: string): Promise<number | undefined> {
  const match = (Field: string, Value: string) => ({ Type: 'TERM_MATCH' as const, Field, Value });
  const { PriceList = [] } = await (await aws.pricing()).getProducts({
    ServiceCode: 'AmazonEC2',
    Filters: [
      match('regionCode', region),
      match('instanceType', type),
      match('operatingSystem', 'Linux'),
      match('tenancy', 'Shared'),
      match('preInstalledSw', 'NA'),
      match('capacitystatus', 'Used'),
    ],
    MaxResults: 10,
  });
  for (const entry of PriceList) {
    const product = JSON.parse(String(entry)) as {
      terms?: {
        OnDemand?: Record<
          string,
          { priceDimensions?: Record<string, { unit?: string; pricePerUnit?: { USD?: string } }> }
        >;
      };
    };
    for (const term of Object.values(product.terms?.OnDemand ?? {})) {
      for (const { unit, pricePerUnit } of Object.values(term.priceDimensions ?? {})) {
        const dollars = Number(pricePerUnit?.USD);
        if (/^hrs?$/i.test(unit ?? '') && dollars > 0) return dollars;
      }
    }
  }
  return undefined;
}
