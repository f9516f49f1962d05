import { ApiError } from '../services/service.ts';

/** A record set; names end in a dot, lower case. */
export interface RecordSet {
  name: string;
  type: string;
  ttl?: number;
  values: string[];
}

export interface HostedZone {
  id: string;
  name: string;
  private: boolean;
  records: Map<string, RecordSet>;
}

export interface Change {
  action: string;
  record: RecordSet;
}

const TYPES = new Set(['A', 'AAAA', 'CAA', 'CNAME', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'TXT']);

/** A domain name as Route 53 keeps it. */
export const dnsName = (name: string): string => `${name.toLowerCase().replace(/\.$/, '')}.`;

/** Route 53 sorts by labels from the right. */
export const dnsOrder = (name: string): string => name.split('.').reverse().join('.');

const keyOf = (record: RecordSet): string => `${dnsOrder(record.name)} ${record.type}`;

/** A zone with the two records that every zone has. */
export function newZone(name: string, id: string, isPrivate: boolean): HostedZone {
  const zone: HostedZone = { id, name: dnsName(name), private: isPrivate, records: new Map() };
  const own: RecordSet[] = [
    { name: zone.name, type: 'NS', ttl: 172800, values: ['ns-1.awsdns-01.org.', 'ns-2.awsdns-02.com.'] },
    {
      name: zone.name,
      type: 'SOA',
      ttl: 900,
      values: ['ns-1.awsdns-01.org. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400'],
    },
  ];
  for (const record of own) zone.records.set(keyOf(record), record);
  return zone;
}

/** Records in Route 53's order. */
export const recordsOf = (zone: HostedZone): RecordSet[] =>
  [...zone.records].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);

const sameRecord = (a: RecordSet, b: RecordSet): boolean =>
  a.ttl === b.ttl && JSON.stringify([...a.values].sort()) === JSON.stringify([...b.values].sort());

const shown = (record: RecordSet): string => `name='${record.name}', type='${record.type}'`;

/** Carries a batch out, all of it or nothing. */
export function applyChanges(zone: HostedZone, changes: Change[]): void {
  const records = new Map(zone.records);
  const problems: string[] = [];
  for (const { action, record } of changes) {
    const before = records.get(keyOf(record));
    const problem = problemOf(zone, action, record, before, records);
    if (problem) problems.push(problem);
    else if (action === 'DELETE') records.delete(keyOf(record));
    else records.set(keyOf(record), record);
  }
  if (problems.length > 0) throw new ApiError('InvalidChangeBatch', `[${problems.join(', ')}]`);
  zone.records = records;
}

function problemOf(
  zone: HostedZone,
  action: string,
  record: RecordSet,
  before: RecordSet | undefined,
  records: Map<string, RecordSet>,
): string | undefined {
  if (!TYPES.has(record.type)) return `Invalid Resource Record: unknown type ${record.type}`;
  if (record.name !== zone.name && !record.name.endsWith(`.${zone.name}`))
    return `RRSet with DNS name ${record.name} is not permitted in zone ${zone.name}`;
  if (action === 'DELETE') {
    if (!before) return `Tried to delete resource record set [${shown(record)}] but it was not found`;
    if (record.name === zone.name && ['NS', 'SOA'].includes(record.type))
      return `A HostedZone must contain exactly one ${record.type} record.`;
    if (!sameRecord(before, record))
      return `Tried to delete resource record set [${shown(record)}] but the values provided do not match the current values`;
    return undefined;
  }
  if (action !== 'CREATE' && action !== 'UPSERT') return `Unknown action ${action}`;
  if (record.ttl === undefined || record.values.length === 0)
    return `Invalid request: Missing field 'TTL' or 'ResourceRecords' in Change with [Action=${action}, Name=${record.name}, Type=${record.type}]`;
  if (record.type === 'A' && record.values.some((value) => !/^\d{1,3}(\.\d{1,3}){3}$/.test(value)))
    return `Invalid Resource Record: FATAL problem: ARRDATAIllegalIPv4Address encountered with '${record.values.join(' ')}'`;
  const others = [...records.values()].filter(({ name, type }) => name === record.name && type !== record.type);
  if (
    others.some(
      ({ type }) => (type === 'CNAME') !== (record.type === 'CNAME') && (type === 'CNAME' || record.type === 'CNAME'),
    )
  )
    return `RRSet of type ${record.type} with DNS name ${record.name} is not permitted as it conflicts with other records with the same DNS name in zone ${zone.name}`;
  if (action === 'CREATE' && before)
    return `Tried to create resource record set [${shown(record)}] but it already exists`;
  return undefined;
}
