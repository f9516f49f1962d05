/** One instance type as far as anything here depends on it. */
export interface TypeFacts {
  vcpu: number;
  memoryMib: number;
  arch: ('x86_64' | 'arm64')[];
  /** US dollars per hour, Linux, on demand, us-east-1. */
  usd: number;
  /** Quota codes: on demand and spot. */
  family: 'standard' | 'g';
  gpu?: { name: string; count: number; memoryMib: number };
  burstable: boolean;
  hibernation: boolean;
  /** Interfaces, and addresses of each. */
  eni: [number, number];
  /** Index of a zone that does not offer it, to have one. */
  notInZone?: number;
}

function type(vcpu: number, gib: number, usd: number, more: Partial<TypeFacts> = {}): TypeFacts {
  return {
    vcpu,
    memoryMib: gib * 1024,
    arch: ['x86_64'],
    usd,
    family: 'standard',
    burstable: false,
    hibernation: true,
    eni: [3, 10],
    ...more,
  };
}

const burst = { burstable: true };
const arm = { arch: ['arm64' as const] };

/** Prices of us-east-1 on 2026-09-01; look them up before you rely on one. */
export const INSTANCE_TYPES: Readonly<Record<string, TypeFacts>> = {
  't3.nano': type(2, 0.5, 0.0052, { ...burst, eni: [2, 2] }),
  't3.micro': type(2, 1, 0.0104, { ...burst, eni: [2, 2] }),
  't3.small': type(2, 2, 0.0208, { ...burst, eni: [3, 4] }),
  't3.medium': type(2, 4, 0.0416, { ...burst, eni: [3, 6] }),
  't3.large': type(2, 8, 0.0832, { ...burst, eni: [3, 12] }),
  't3.xlarge': type(4, 16, 0.1664, { ...burst, eni: [4, 15] }),
  't3.2xlarge': type(8, 32, 0.3328, { ...burst, eni: [4, 15] }),
  't3a.nano': type(2, 0.5, 0.0047, { ...burst, eni: [2, 2] }),
  't3a.micro': type(2, 1, 0.0094, { ...burst, eni: [2, 2] }),
  't3a.small': type(2, 2, 0.0188, { ...burst, eni: [2, 4] }),
  't3a.medium': type(2, 4, 0.0376, { ...burst, eni: [3, 6] }),
  't3a.large': type(2, 8, 0.0752, { ...burst, eni: [3, 12] }),
  't3a.xlarge': type(4, 16, 0.1504, { ...burst, eni: [4, 15] }),
  't3a.2xlarge': type(8, 32, 0.3008, { ...burst, eni: [4, 15] }),
  't4g.nano': type(2, 0.5, 0.0042, { ...burst, ...arm, eni: [2, 2] }),
  't4g.micro': type(2, 1, 0.0084, { ...burst, ...arm, eni: [2, 2] }),
  't4g.small': type(2, 2, 0.0168, { ...burst, ...arm, eni: [3, 4] }),
  't4g.medium': type(2, 4, 0.0336, { ...burst, ...arm, eni: [3, 6] }),
  't4g.large': type(2, 8, 0.0672, { ...burst, ...arm, eni: [3, 12] }),
  'm7i.large': type(2, 8, 0.1008),
  'm7i.xlarge': type(4, 16, 0.2016, { eni: [4, 15] }),
  'm7i.2xlarge': type(8, 32, 0.4032, { eni: [4, 15] }),
  'm7i-flex.large': type(2, 8, 0.09576, { eni: [3, 4] }),
  'm7i-flex.xlarge': type(4, 16, 0.19152, { eni: [4, 15] }),
  'm6a.large': type(2, 8, 0.0864),
  'm6a.xlarge': type(4, 16, 0.1728, { eni: [4, 15] }),
  'm6i.large': type(2, 8, 0.096),
  'm7g.large': type(2, 8, 0.0816, arm),
  'c7i.large': type(2, 4, 0.08925),
  'c7i.xlarge': type(4, 8, 0.1785, { eni: [4, 15] }),
  'c7i.2xlarge': type(8, 16, 0.357, { eni: [4, 15] }),
  'r7i.large': type(2, 16, 0.1323),
  'r7i.xlarge': type(4, 32, 0.2646, { eni: [4, 15] }),
  'g4dn.xlarge': type(4, 16, 0.526, {
    family: 'g',
    hibernation: false,
    gpu: { name: 'T4', count: 1, memoryMib: 16384 },
  }),
  'g4dn.2xlarge': type(8, 32, 0.752, {
    family: 'g',
    hibernation: false,
    gpu: { name: 'T4', count: 1, memoryMib: 16384 },
  }),
  'g5.xlarge': type(4, 16, 1.006, {
    family: 'g',
    hibernation: false,
    notInZone: 1,
    gpu: { name: 'A10G', count: 1, memoryMib: 24576 },
    eni: [4, 15],
  }),
  'g5.2xlarge': type(8, 32, 1.212, {
    family: 'g',
    hibernation: false,
    notInZone: 1,
    gpu: { name: 'A10G', count: 1, memoryMib: 24576 },
    eni: [4, 15],
  }),
  'g6.xlarge': type(4, 16, 0.8048, {
    family: 'g',
    hibernation: false,
    notInZone: 1,
    gpu: { name: 'L4', count: 1, memoryMib: 24576 },
    eni: [4, 15],
  }),
};

/** Per GB-month, us-east-1. */
export const STORAGE_USD: Readonly<Record<string, number>> = {
  gp3: 0.08,
  gp2: 0.1,
  io1: 0.125,
  io2: 0.125,
  st1: 0.045,
  sc1: 0.015,
  standard: 0.05,
  snapshot: 0.05,
  archive: 0.0125,
};

export const ADDRESS_USD_PER_HOUR = 0.005;
export const NAT_USD_PER_HOUR = 0.045;
export const ENDPOINT_USD_PER_HOUR = 0.01;
/** What spot costs of the on-demand price here. */
export const SPOT_SHARE = 0.4;

/** Zones, of those given, that offer a type. */
export function zonesOffering(name: string, zones: readonly string[]): string[] {
  const facts = Object.hasOwn(INSTANCE_TYPES, name) ? INSTANCE_TYPES[name] : undefined;
  return facts ? zones.filter((_, n) => n !== facts.notInZone) : [];
}

export function typeFacts(name: string): TypeFacts | undefined {
  return Object.hasOwn(INSTANCE_TYPES, name) ? INSTANCE_TYPES[name] : undefined;
}
