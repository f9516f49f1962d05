import type { InstanceTypeInfo, InstanceTypeOffering, SpotPrice } from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import type { Resource, World } from '../world.ts';
import { type Action, action } from './action.ts';
import { type FilterTable, select } from './filters.ts';
import { INSTANCE_TYPES, SPOT_SHARE, type TypeFacts, typeFacts, zonesOffering } from './instance-types.ts';
import { paginate } from './paging.ts';

/** Wraps what is not a resource as one, to be filtered and paged alike. */
function records<T extends object>(items: T[]): (T & Resource)[] {
  return items.map((item, n) => ({
    id: '',
    tags: new Map(),
    createdAt: 0,
    visibleAt: 0,
    tagsVisibleAt: 0,
    seq: n + 1,
    ...item,
  }));
}

type TypeRecord = Resource & { name: string; facts: TypeFacts };

function viewType({ name, facts }: TypeRecord): InstanceTypeInfo {
  return {
    InstanceType: name as 't3.micro',
    CurrentGeneration: true,
    FreeTierEligible: name === 't3.micro',
    SupportedUsageClasses: ['on-demand', 'spot'],
    SupportedRootDeviceTypes: ['ebs'],
    SupportedVirtualizationTypes: ['hvm'],
    BareMetal: false,
    Hypervisor: 'nitro',
    ProcessorInfo: { SupportedArchitectures: facts.arch, SustainedClockSpeedInGhz: 3 },
    VCpuInfo: {
      DefaultVCpus: facts.vcpu,
      DefaultCores: Math.max(1, facts.vcpu / 2),
      DefaultThreadsPerCore: facts.arch[0] === 'arm64' ? 1 : 2,
    },
    MemoryInfo: { SizeInMiB: facts.memoryMib },
    InstanceStorageSupported: name.startsWith('g'),
    EbsInfo: { EbsOptimizedSupport: 'default', EncryptionSupport: 'supported', NvmeSupport: 'required' },
    NetworkInfo: {
      MaximumNetworkInterfaces: facts.eni[0],
      Ipv4AddressesPerInterface: facts.eni[1],
      Ipv6Supported: true,
      EnaSupport: 'required',
    },
    ...(facts.gpu
      ? {
          GpuInfo: {
            Gpus: [
              {
                Name: facts.gpu.name,
                Manufacturer: 'NVIDIA',
                Count: facts.gpu.count,
                MemoryInfo: { SizeInMiB: facts.gpu.memoryMib },
              },
            ],
            TotalGpuMemoryInMiB: facts.gpu.count * facts.gpu.memoryMib,
          },
        }
      : {}),
    HibernationSupported: facts.hibernation,
    BurstablePerformanceSupported: facts.burstable,
    DedicatedHostsSupported: false,
    AutoRecoverySupported: true,
  };
}

const TYPE_FILTERS: FilterTable<TypeRecord> = {
  'burstable-performance-supported': (t) => t.facts.burstable,
  'current-generation': () => true,
  'hibernation-supported': (t) => t.facts.hibernation,
  'instance-type': (t) => t.name,
  'memory-info.size-in-mib': (t) => t.facts.memoryMib,
  'processor-info.supported-architecture': (t) => t.facts.arch,
  'supported-usage-class': () => ['on-demand', 'spot'],
  'vcpu-info.default-vcpus': (t) => t.facts.vcpu,
};

type OfferRecord = Resource & InstanceTypeOffering;

const OFFER_FILTERS: FilterTable<OfferRecord> = { 'instance-type': (o) => o.InstanceType, location: (o) => o.Location };

function offers(world: World, kind: string): OfferRecord[] {
  const all: InstanceTypeOffering[] = [];
  for (const name of Object.keys(INSTANCE_TYPES)) {
    const places =
      kind === 'region'
        ? [world.region]
        : zonesOffering(name, world.zones).map((zone) =>
            kind === 'availability-zone-id' ? zoneId(world, zone) : zone,
          );
    for (const Location of places)
      all.push({ InstanceType: name as 't3.micro', LocationType: kind as 'region', Location });
  }
  return records(all);
}

/** `use1-az1` of `us-east-1a`. */
export function zoneId(world: World, zone: string): string {
  const [where = '', direction = '', n = ''] = world.region.split('-');
  return `${where}${direction[0]}${n}-az${world.zones.indexOf(zone) + 1}`;
}

type PriceRecord = Resource & SpotPrice;
const PRICE_FILTERS: FilterTable<PriceRecord> = {
  'availability-zone': (p) => p.AvailabilityZone,
  'instance-type': (p) => p.InstanceType,
  'product-description': (p) => p.ProductDescription,
};

type ZoneRecord = Resource & { zone: string };
const ZONE_FILTERS: FilterTable<ZoneRecord> = {
  'group-name': (_, world) => world.region,
  'opt-in-status': () => 'opt-in-not-required',
  'region-name': (_, world) => world.region,
  state: () => 'available',
  'zone-id': (z, world) => zoneId(world, z.zone),
  'zone-name': (z) => z.zone,
  'zone-type': () => 'availability-zone',
};

/** What a region offers: types, where they are, spot prices, zones. */
export const catalogueActions: Action[] = [
  action('DescribeInstanceTypes', {
    parameters: 'InstanceTypes MaxResults NextToken',
    filters: TYPE_FILTERS,
    run({ InstanceTypes: wanted, Filters, ...request }, { world }) {
      const unknown = wanted?.filter((name) => !typeFacts(name)) ?? [];
      if (unknown.length > 0) {
        throw new ApiError(
          'InvalidInstanceType',
          `The following supplied instance types do not exist: [${unknown.join(', ')}]`,
        );
      }
      if ((wanted?.length ?? 0) > 100)
        throw new ApiError('InvalidParameterValue', 'At most 100 instance types may be asked for');
      const names = wanted?.length ? wanted : Object.keys(INSTANCE_TYPES);
      const all = records(names.map((name) => ({ name: name as string, facts: typeFacts(name)! })));
      const { page, ...rest } = paginate(select(world, all, TYPE_FILTERS, Filters), request, { min: 5, max: 100 });
      return { InstanceTypes: page.map(viewType), ...rest };
    },
  }),

  action('DescribeInstanceTypeOfferings', {
    parameters: 'LocationType MaxResults NextToken',
    filters: OFFER_FILTERS,
    run({ LocationType = 'region', Filters, ...request }, { world }) {
      const { page, ...rest } = paginate(select(world, offers(world, LocationType), OFFER_FILTERS, Filters), request);
      return { InstanceTypeOfferings: page, ...rest };
    },
  }),

  action('DescribeSpotPriceHistory', {
    parameters: 'AvailabilityZone InstanceTypes ProductDescriptions StartTime EndTime MaxResults NextToken',
    filters: PRICE_FILTERS,
    run(
      { AvailabilityZone, InstanceTypes, Filters, StartTime: _s, EndTime: _e, ProductDescriptions: _p, ...request },
      { world },
    ) {
      const all: SpotPrice[] = [];
      for (const name of InstanceTypes?.length ? InstanceTypes : Object.keys(INSTANCE_TYPES)) {
        const usd = typeFacts(name)?.usd;
        if (usd === undefined) throw new ApiError('InvalidParameterValue', `Invalid value '${name}' for InstanceType.`);
        for (const zone of zonesOffering(name, world.zones)) {
          if (AvailabilityZone && AvailabilityZone !== zone) continue;
          all.push({
            AvailabilityZone: zone,
            InstanceType: name as 't3.micro',
            ProductDescription: 'Linux/UNIX',
            SpotPrice: (usd * SPOT_SHARE).toFixed(6),
            Timestamp: new Date(world.clock.now()),
          });
        }
      }
      const { page, ...rest } = paginate(select(world, records(all), PRICE_FILTERS, Filters), request, { min: 1 });
      return { SpotPriceHistory: page, ...rest };
    },
  }),

  action('DescribeAvailabilityZones', {
    parameters: 'ZoneNames ZoneIds AllAvailabilityZones',
    filters: ZONE_FILTERS,
    run({ ZoneNames, Filters }, { world }) {
      const wrong = ZoneNames?.find((zone) => !world.zones.includes(zone));
      if (wrong) throw new ApiError('InvalidParameterValue', `Invalid availability zone: [${wrong}]`);
      const zones = records((ZoneNames?.length ? ZoneNames : world.zones).map((zone) => ({ zone })));
      return {
        AvailabilityZones: select(world, zones, ZONE_FILTERS, Filters).map(({ zone }) => ({
          ZoneName: zone,
          ZoneId: zoneId(world, zone),
          ZoneType: 'availability-zone',
          RegionName: world.region,
          GroupName: world.region,
          State: 'available' as const,
          OptInStatus: 'opt-in-not-required' as const,
        })),
      };
    },
  }),

  action('DescribeAccountAttributes', {
    parameters: 'AttributeNames',
    run({ AttributeNames }, { world }) {
      const vpc = [...world.vpcs.values()].find(({ isDefault }) => isDefault);
      const all = {
        'default-vpc': vpc?.id ?? 'none',
        'max-instances': '20',
        'vpc-max-elastic-ips': String(world.quotas.get('L-0263D0A3') ?? 5),
        'supported-platforms': 'VPC',
      };
      return {
        AccountAttributes: Object.entries(all)
          .filter(([name]) => !AttributeNames?.length || AttributeNames.includes(name as 'default-vpc'))
          .map(([AttributeName, AttributeValue]) => ({ AttributeName, AttributeValues: [{ AttributeValue }] })),
      };
    },
  }),
];
