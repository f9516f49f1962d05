import type { Price } from '@atrium/sdk';
import type { Ec2Config } from './config.ts';

/**
 * Dollars per hour, Linux, on demand, in us-east-1: AWS's public price list as it was known on this day. Elsewhere, and
 * for types that are not here, a price is not known unless the configuration states it.
 */
export const PRICES_AS_OF = '2026-11-01';
export const PRICES_REGION = 'us-east-1';
const PRICES: Readonly<Record<string, number>> = {
  't3.nano': 0.0052,
  't3.micro': 0.0104,
  't3.small': 0.0208,
  't3.medium': 0.0416,
  't3.large': 0.0832,
  't3.xlarge': 0.1664,
  't3.2xlarge': 0.3328,
  't3a.small': 0.0188,
  't3a.medium': 0.0376,
  't3a.large': 0.0752,
  't3a.xlarge': 0.1504,
  't4g.small': 0.0168,
  't4g.medium': 0.0336,
  't4g.large': 0.0672,
  't4g.xlarge': 0.1344,
  'm6a.large': 0.0864,
  'm6i.large': 0.096,
  'm7i.large': 0.1008,
  'm7i-flex.large': 0.09576,
  'g4dn.xlarge': 0.526,
  'g5.xlarge': 1.006,
};

/** What a type in a market costs an hour; what the operator states wins, and nothing known is null. */
export function priceOf(
  config: Pick<Ec2Config, 'prices' | 'region'>,
  { type, market, stated }: { type: string; market: 'on-demand' | 'spot'; stated: number | null },
): Price {
  const own = stated ?? config.prices[type];
  if (own !== undefined) return { perHour: own };
  // A spot price changes by the hour: only the operator can say what to reckon with.
  const known = market === 'on-demand' && config.region === PRICES_REGION ? PRICES[type] : undefined;
  return known === undefined ? { perHour: null } : { perHour: known, asOf: PRICES_AS_OF };
}

interface TypeFacts {
  vcpu: number;
  gib: number;
  gpu?: string;
}
const T = (gib: number): TypeFacts => ({ vcpu: 2, gib });
const SIZES: Readonly<Record<string, TypeFacts>> = {
  nano: T(0.5),
  micro: T(1),
  small: T(2),
  medium: T(4),
  large: T(8),
  xlarge: { vcpu: 4, gib: 16 },
  '2xlarge': { vcpu: 8, gib: 32 },
};
const GPUS: Readonly<Record<string, string>> = { g4dn: 'T4', g5: 'A10G', g6: 'L4' };

/** Short facts of a type, in words; none where the type is not known. */
export function factsOf(type: string): string[] {
  const [family = '', size = ''] = type.split('.');
  const facts = factsFor(family, size);
  if (!facts) return [type];
  return [`${facts.vcpu} vCPU`, `${facts.gib} GiB`, ...(facts.gpu ? [`1 × ${facts.gpu}`] : [])];
}

function factsFor(family: string, size: string): TypeFacts | undefined {
  if (/^t(3a?|4g)$/.test(family)) return SIZES[size];
  const steps: Readonly<Record<string, number>> = {
    medium: 0.5,
    large: 1,
    xlarge: 2,
    '2xlarge': 4,
    '4xlarge': 8,
    '8xlarge': 16,
  };
  const step = steps[size];
  if (step === undefined) return undefined;
  const perVcpu: Readonly<Record<string, number>> = { m: 4, c: 2, r: 8 };
  const gib = perVcpu[family[0]!];
  if (/^[mcr]\d/.test(family) && gib !== undefined) return { vcpu: 2 * step, gib: 2 * step * gib };
  const gpu = GPUS[family];
  if (gpu && step >= 2 && step <= 16) return { vcpu: 2 * step, gib: 8 * step, gpu };
  return undefined;
}
