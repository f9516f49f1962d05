import type { ResourceRecordSet } from '@aws-sdk/client-route-53';
import { isNotFound, orGone } from '../aws/errors.ts';
import { type ClusterConfig, ClusterError } from '../config.ts';
import { idOf, type Look, ownerOf, type Part, type Scene } from '../engine/part.ts';

/** The name of the manager, with a second record that says whose it is. */
export function dnsParts({ manager: { domain, hostedZone } }: ClusterConfig): Part[] {
  return domain && hostedZone ? [record(domain, hostedZone)] : [];
}

const TTL = 60;

const record = (domain: string, zone: string): Part => ({
  part: 'dns',
  title: `name ${domain}`,
  async look(scene): Promise<Look> {
    const found = await recordsOf(scene, domain, zone);
    if (found === undefined) return { state: 'blocked', note: `there is no hosted zone ${zone}` };
    const isOurs = scene.owner !== undefined && textOf(found.mark) === markOf(scene);
    if (found.name && !isOurs) {
      const note = `${domain} leads elsewhere already (${textOf(found.name)}). Delete that record, or take another name`;
      return { state: 'blocked', note };
    }
    if (!found.name || !isOurs) return { state: 'absent' };
    const ip = await ipOf(scene);
    if (ip === undefined || textOf(found.name) !== ip)
      return { state: 'differs', id: domain, note: `leads to ${textOf(found.name)}` };
    return { state: 'same', id: domain };
  },
  async make(scene) {
    const ip = await ipOf(scene);
    if (!ip) throw new ClusterError('The manager has no address');
    await change(scene, zone, 'UPSERT', [a(domain, ip), txt(domain, markOf(scene))]);
  },
  async remove(scene, id) {
    const found = await recordsOf(scene, id, zone);
    if (!found?.name || textOf(found.mark) !== markOf(scene)) return;
    await change(scene, zone, 'DELETE', [found.name, found.mark!]);
  },
});

const a = (name: string, value: string): ResourceRecordSet => ({
  Name: name,
  Type: 'A',
  TTL,
  ResourceRecords: [{ Value: value }],
});
const txt = (name: string, value: string): ResourceRecordSet => ({
  Name: `_atrium.${name}`,
  Type: 'TXT',
  TTL,
  ResourceRecords: [{ Value: value }],
});
const markOf = (scene: Scene) => `"atrium-cluster-id=${ownerOf(scene).id}"`;
const textOf = (set: ResourceRecordSet | undefined) => set?.ResourceRecords?.[0]?.Value;

async function ipOf(scene: Scene): Promise<string | undefined> {
  const AllocationId = scene.ids.get('address');
  if (!AllocationId) return undefined;
  const found = await orGone((await scene.aws.ec2()).describeAddresses({ AllocationIds: [idOf(scene, 'address')] }));
  return found?.Addresses?.[0]?.PublicIp;
}

async function change(scene: Scene, HostedZoneId: string, Action: 'UPSERT' | 'DELETE', sets: ResourceRecordSet[]) {
  const route53 = await scene.aws.route53();
  const Changes = sets.map((ResourceRecordSet) => ({ Action, ResourceRecordSet }));
  await route53.changeResourceRecordSets({ HostedZoneId, ChangeBatch: { Changes } });
}

async function recordsOf(scene: Scene, domain: string, HostedZoneId: string) {
  const route53 = await scene.aws.route53();
  const one = async (name: string, type: 'A' | 'TXT') => {
    const { ResourceRecordSets = [] } = await route53.listResourceRecordSets({
      HostedZoneId,
      StartRecordName: name,
      StartRecordType: type,
      MaxItems: 1,
    });
    return ResourceRecordSets.find((set) => set.Name?.replace(/\.$/, '') === name && set.Type === type);
  };
  try {
    return { name: await one(domain, 'A'), mark: await one(`_atrium.${domain}`, 'TXT') };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
