import { createHash } from 'node:crypto';

/** One thing that is sold, with the attributes that filters look at. */
export interface Product {
  family: string;
  attributes: Record<string, string>;
  usd: number;
  /** `Hrs`, `GB-Mo`, … */
  unit: string;
  description: string;
}

/** What the price list needs to know of an instance type. */
export interface PricedType {
  name: string;
  vcpu: number;
  memoryGib: number;
  gpu?: number;
  /** Linux, on demand, in dollars per hour. */
  usdPerHour: number;
}

/** Products of instances, gp3 disks, snapshots and public addresses in a region. */
export function ec2Products(region: string, types: PricedType[]): Product[] {
  const place = { regionCode: region, locationType: 'AWS Region', servicecode: 'AmazonEC2' };
  const prefix = region === 'us-east-1' ? '' : `${region}-`;
  return [
    ...types.map((type) => ({
      family: 'Compute Instance',
      attributes: {
        ...place,
        instanceType: type.name,
        instanceFamily: type.gpu ? 'GPU instance' : 'General purpose',
        vcpu: String(type.vcpu),
        memory: `${type.memoryGib} GiB`,
        ...(type.gpu ? { gpu: String(type.gpu) } : {}),
        operatingSystem: 'Linux',
        tenancy: 'Shared',
        preInstalledSw: 'NA',
        capacitystatus: 'Used',
        licenseModel: 'No License required',
        operation: 'RunInstances',
        marketoption: 'OnDemand',
        usagetype: `${prefix}BoxUsage:${type.name}`,
      },
      usd: type.usdPerHour,
      unit: 'Hrs',
      description: `$${type.usdPerHour} per On Demand Linux ${type.name} Instance Hour`,
    })),
    {
      family: 'Storage',
      attributes: {
        ...place,
        volumeApiName: 'gp3',
        volumeType: 'General Purpose',
        usagetype: `${prefix}EBS:VolumeUsage.gp3`,
      },
      usd: 0.08,
      unit: 'GB-Mo',
      description: '$0.08 per GB-month of General Purpose (gp3) provisioned storage',
    },
    {
      family: 'Storage Snapshot',
      attributes: { ...place, usagetype: `${prefix}EBS:SnapshotUsage` },
      usd: 0.05,
      unit: 'GB-Mo',
      description: '$0.05 per GB-Month of snapshot data stored',
    },
    {
      family: 'Storage Snapshot',
      attributes: { ...place, usagetype: `${prefix}EBS:SnapshotArchiveStorage` },
      usd: 0.0125,
      unit: 'GB-Mo',
      description: '$0.0125 per GB-Month of snapshot archive data stored',
    },
    {
      family: 'NAT Gateway',
      attributes: { ...place, group: 'NGW:NatGateway', usagetype: `${prefix}NatGateway-Hours` },
      usd: 0.045,
      unit: 'Hrs',
      description: '$0.045 per NAT Gateway Hour',
    },
    {
      family: 'VpcPublicIPv4Address',
      attributes: {
        ...place,
        servicecode: 'AmazonVPC',
        group: 'VPCPublicIPv4Address',
        usagetype: `${prefix}PublicIPv4:InUseAddress`,
      },
      usd: 0.005,
      unit: 'Hrs',
      description: '$0.005 per In-use public IPv4 address per hour',
    },
  ];
}

/** A product as one line of the Price List API: a JSON document in a string. */
export function priceLine(product: Product, published: number): string {
  const sku = createHash('sha256').update(JSON.stringify(product.attributes)).digest('hex').slice(0, 16).toUpperCase();
  const term = `${sku}.JRTCKXETXF`;
  const rate = `${term}.6YS6EN2CT7`;
  const { servicecode = 'AmazonEC2' } = product.attributes;
  return JSON.stringify({
    product: { productFamily: product.family, attributes: product.attributes, sku },
    serviceCode: servicecode,
    terms: {
      OnDemand: {
        [term]: {
          priceDimensions: {
            [rate]: {
              unit: product.unit,
              endRange: 'Inf',
              description: product.description,
              appliesTo: [],
              rateCode: rate,
              beginRange: '0',
              pricePerUnit: { USD: product.usd.toFixed(10) },
            },
          },
          sku,
          effectiveDate: new Date(published).toISOString(),
          offerTermCode: 'JRTCKXETXF',
          termAttributes: {},
        },
      },
    },
    version: '20261101000000',
    publicationDate: new Date(published).toISOString(),
  });
}
