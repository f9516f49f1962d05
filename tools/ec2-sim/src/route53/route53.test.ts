import * as dns from '@aws-sdk/client-route-53';
import { expect, test } from 'vitest';
import { serviceEndpoint, testContext } from '../services/test-endpoint.ts';
import { createRoute53 } from './index.ts';

async function dnsUnderTest() {
  const context = testContext();
  const sim = createRoute53(context);
  const zone = sim.addZone('uni.example');
  const endpoint = await serviceEndpoint(sim.service);
  const client = new dns.Route53Client(endpoint.client);
  const change = (Action: dns.ChangeAction, name: string, values: string[], TTL = 60) =>
    client.send(
      new dns.ChangeResourceRecordSetsCommand({
        HostedZoneId: zone,
        ChangeBatch: {
          Comment: 'atrium',
          Changes: [
            {
              Action,
              ResourceRecordSet: { Name: name, Type: 'A', TTL, ResourceRecords: values.map((Value) => ({ Value })) },
            },
          ],
        },
      }),
    );
  return { context, sim, zone, client, change, [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose]() };
}

test('a zone is found by name, a record set in it, the change spreads', async () => {
  await using it = await dnsUnderTest();
  it.sim.addZone('zzz.example');
  const { HostedZones } = await it.client.send(new dns.ListHostedZonesByNameCommand({ DNSName: 'uni.example' }));
  expect(HostedZones?.[0]).toMatchObject({
    Id: `/hostedzone/${it.zone}`,
    Name: 'uni.example.',
    Config: { PrivateZone: false },
  });

  const { ChangeInfo } = await it.change('UPSERT', 'hub.uni.example', ['192.0.2.7']);
  expect(ChangeInfo?.Status).toBe('PENDING');
  it.context.clock.advance(60_000);
  const later = await it.client.send(new dns.GetChangeCommand({ Id: ChangeInfo?.Id }));
  expect(later.ChangeInfo?.Status).toBe('INSYNC');

  const { ResourceRecordSets } = await it.client.send(
    new dns.ListResourceRecordSetsCommand({
      HostedZoneId: it.zone,
      StartRecordName: 'hub.uni.example',
      StartRecordType: 'A',
      MaxItems: 1,
    }),
  );
  expect(ResourceRecordSets).toEqual([
    { Name: 'hub.uni.example.', Type: 'A', TTL: 60, ResourceRecords: [{ Value: '192.0.2.7' }] },
  ]);
  expect(it.context.violations).toEqual([]);
});

test('what does not fit the zone is refused whole', async () => {
  await using it = await dnsUnderTest();
  await it.change('CREATE', 'hub.uni.example', ['192.0.2.7']);
  const refused = { name: 'InvalidChangeBatch' };
  await expect(it.change('CREATE', 'hub.uni.example', ['192.0.2.8'])).rejects.toMatchObject(refused);
  await expect(it.change('DELETE', 'hub.uni.example', ['192.0.2.8'])).rejects.toMatchObject(refused);
  await expect(it.change('UPSERT', 'hub.other.example', ['192.0.2.8'])).rejects.toMatchObject(refused);
  await expect(it.change('UPSERT', 'hub.uni.example', ['not an address'])).rejects.toMatchObject(refused);
  await it.change('DELETE', 'hub.uni.example', ['192.0.2.7']);
  const { ResourceRecordSets } = await it.client.send(new dns.ListResourceRecordSetsCommand({ HostedZoneId: it.zone }));
  expect(ResourceRecordSets?.map(({ Type }) => Type)).toEqual(['NS', 'SOA']);
});

test('unknown zones, changes and actions', async () => {
  await using it = await dnsUnderTest();
  await expect(it.client.send(new dns.ListResourceRecordSetsCommand({ HostedZoneId: 'ZNONE' }))).rejects.toMatchObject({
    name: 'NoSuchHostedZone',
  });
  await expect(it.client.send(new dns.GetChangeCommand({ Id: 'CNONE' }))).rejects.toMatchObject({
    name: 'NoSuchChange',
  });
  expect(it.context.violations).toEqual([]);
  await expect(it.client.send(new dns.ListHealthChecksCommand({}))).rejects.toThrow();
  expect(it.context.violations).toEqual(['route53:GET /healthcheck: unknown action']);
});
