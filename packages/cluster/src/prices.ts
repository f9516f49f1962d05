/**
 * Prices of us-east-1 in US dollars, Linux, on demand, as AWS's price pages listed them on `asOf`. Other regions cost up
 * to half as much again: `plan` asks the Pricing API where it is allowed to, and says which table it used.
 */
export interface PriceTable {
  asOf: string;
  region: string;
  source: 'built-in' | 'Pricing API';
  /** Instance types: dollars an hour. */
  perHour: Readonly<Record<string, number>>;
  /** gp3, per GB and month. */
  diskGbMonth: number;
  /** Snapshots, per GB of changed blocks and month. */
  snapshotGbMonth: number;
  /** A public IPv4 address, in use or not. */
  addressHour: number;
  natHour: number;
  natGb: number;
  hostedZoneRecordMonth: number;
}

export const HOURS_PER_MONTH = 730;

export const BUILT_IN: PriceTable = {
  asOf: '2026-11-01',
  region: 'us-east-1',
  source: 'built-in',
  perHour: {
    't3.nano': 0.0052,
    't3.micro': 0.0104,
    't3.small': 0.0208,
    't3.medium': 0.0416,
    't3.large': 0.0832,
    't3.xlarge': 0.1664,
    't3.2xlarge': 0.3328,
    't3a.micro': 0.0094,
    't3a.small': 0.0188,
    't3a.medium': 0.0376,
    't3a.large': 0.0752,
    't3a.xlarge': 0.1504,
    't4g.micro': 0.0084,
    't4g.small': 0.0168,
    't4g.medium': 0.0336,
    't4g.large': 0.0672,
    't4g.xlarge': 0.1344,
    'm7i.large': 0.1008,
    'm7i.xlarge': 0.2016,
    'm7i-flex.large': 0.09576,
    'm7i-flex.xlarge': 0.19152,
    'm6a.large': 0.0864,
    'm6a.xlarge': 0.1728,
    'm6i.large': 0.096,
    'm6i.xlarge': 0.192,
    'r6i.large': 0.126,
    'c6i.large': 0.085,
    'g4dn.xlarge': 0.526,
    'g4dn.2xlarge': 0.752,
    'g5.xlarge': 1.006,
    'g5.2xlarge': 1.212,
  },
  diskGbMonth: 0.08,
  snapshotGbMonth: 0.05,
  addressHour: 0.005,
  natHour: 0.045,
  natGb: 0.045,
  hostedZoneRecordMonth: 0,
};
