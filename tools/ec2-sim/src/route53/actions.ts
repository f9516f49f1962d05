import { randomBytes } from 'node:crypto';
import { ApiError, type ServiceContext } from '../services/service.ts';
import type { XmlValue } from '../services/xml.ts';
import { applyChanges, type Change, dnsName, dnsOrder, type HostedZone, type RecordSet, recordsOf } from './zones.ts';

/** How long a change takes to reach all name servers, simulated. */
const SYNC_MS = 30_000;

type Input = Record<string, unknown>;

/** The actions of the service, each from its parameters to its answer. */
export function actionsOf(
  zones: Map<string, HostedZone>,
  context: ServiceContext,
): Record<string, (input: Input) => XmlValue> {
  const changes = new Map<string, number>();

  const zoneOf = (input: Input): HostedZone => {
    const id = String(input.Id).replace(/^\/?hostedzone\//, '');
    const zone = zones.get(id);
    if (!zone) throw new ApiError('NoSuchHostedZone', `No hosted zone found with ID: ${id}`, 404);
    return zone;
  };
  const showZone = (zone: HostedZone): XmlValue => ({
    Id: `/hostedzone/${zone.id}`,
    Name: zone.name,
    CallerReference: zone.id,
    Config: { PrivateZone: zone.private },
    ResourceRecordSetCount: zone.records.size,
  });
  const showChange = (id: string, since: number): XmlValue => ({
    Id: `/change/${id}`,
    Status: context.clock.now() - since < SYNC_MS ? 'PENDING' : 'INSYNC',
    SubmittedAt: new Date(since).toISOString(),
  });
  const sizeOf = (input: Input): number => {
    const most = Number(input.maxitems ?? 100);
    if (!Number.isInteger(most) || most < 1) throw new ApiError('InvalidInput', 'maxitems must be a positive number');
    return Math.min(most, 300);
  };

  return {
    ListHostedZonesByName(input) {
      const from = input.dnsname === undefined ? '' : dnsOrder(dnsName(String(input.dnsname)));
      const fromId = String(input.hostedzoneid ?? '');
      const sorted = [...zones.values()]
        .sort((a, b) => (dnsOrder(a.name) + a.id < dnsOrder(b.name) + b.id ? -1 : 1))
        .filter(({ name, id }) => dnsOrder(name) > from || (dnsOrder(name) === from && id >= fromId));
      const most = sizeOf(input);
      const next = sorted[most];
      return {
        HostedZones: { HostedZone: sorted.slice(0, most).map(showZone) },
        ...(input.dnsname === undefined ? {} : { DNSName: dnsName(String(input.dnsname)) }),
        IsTruncated: next !== undefined,
        ...(next ? { NextDNSName: next.name, NextHostedZoneId: next.id } : {}),
        MaxItems: most,
      };
    },
    GetHostedZone: (input) => ({ HostedZone: showZone(zoneOf(input)) }),
    ListResourceRecordSets(input) {
      const all = recordsOf(zoneOf(input));
      const from = input.name === undefined ? '' : `${dnsOrder(dnsName(String(input.name)))} ${input.type ?? ''}`;
      const rest = all.filter((record) => `${dnsOrder(record.name)} ${record.type}` >= from);
      const most = sizeOf(input);
      const next = rest[most];
      return {
        ResourceRecordSets: { ResourceRecordSet: rest.slice(0, most).map(showRecord) },
        IsTruncated: next !== undefined,
        ...(next ? { NextRecordName: next.name, NextRecordType: next.type } : {}),
        MaxItems: most,
      };
    },
    ChangeResourceRecordSets(input) {
      const zone = zoneOf(input);
      applyChanges(zone, readChanges(input, context));
      const id = `C${randomBytes(10).toString('hex').toUpperCase()}`;
      changes.set(id, context.clock.now());
      return { ChangeInfo: showChange(id, context.clock.now()) };
    },
    GetChange(input) {
      const id = String(input.Id).replace(/^\/?change\//, '');
      const since = changes.get(id);
      if (since === undefined) throw new ApiError('NoSuchChange', `Could not find resource with ID: ${id}`, 404);
      return { ChangeInfo: showChange(id, since) };
    },
  };
}

const showRecord = (record: RecordSet): XmlValue => ({
  Name: record.name,
  Type: record.type,
  TTL: record.ttl,
  ResourceRecords: { ResourceRecord: record.values.map((Value) => ({ Value })) },
});

type Listed<T> = T | T[] | undefined;
type RawChange = { Action: string; ResourceRecordSet: Record<string, unknown> };

/** The batch of a change call. Alias, weighted and other routed records are not simulated and refused. */
function readChanges(input: Input, context: ServiceContext): Change[] {
  const batch = input.ChangeBatch as { Changes?: { Change?: Listed<RawChange> } } | undefined;
  const raw = [batch?.Changes?.Change ?? []].flat();
  if (raw.length === 0) throw new ApiError('InvalidInput', 'The change batch is empty');
  return raw.map(({ Action, ResourceRecordSet: set }) => {
    for (const key of Object.keys(set)) {
      if (['Name', 'Type', 'TTL', 'ResourceRecords'].includes(key)) continue;
      context.violation('parameter', 'route53:ChangeResourceRecordSets', `unknown member ${key}`);
      throw new ApiError('InvalidInput', `The member ${key} is not simulated`);
    }
    const records = (set.ResourceRecords as { ResourceRecord?: Listed<{ Value: string }> } | undefined)?.ResourceRecord;
    return {
      action: Action,
      record: {
        name: dnsName(String(set.Name)),
        type: String(set.Type),
        ...(set.TTL === undefined ? {} : { ttl: Number(set.TTL) }),
        values: [records ?? []].flat().map(({ Value }) => Value),
      },
    };
  });
}
