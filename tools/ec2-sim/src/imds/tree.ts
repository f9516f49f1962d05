import { type IdentityAuthority, identityDocument } from '../identity/index.ts';
import type { MachineFacts } from './machine-facts.ts';

/** A leaf of the tree; computed only when asked for. */
type Leaf = string | (() => string | Promise<string>);

const isoSeconds = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');

/** All there is below `/latest/` for one machine, by path. */
export function treeOf(facts: MachineFacts, authority: IdentityAuthority, now: number): Map<string, Leaf> {
  const { identity, credentials, interruption } = facts;
  const hostname = `ip-${identity.privateIp.replaceAll('.', '-')}.ec2.internal`;
  const nic = `meta-data/network/interfaces/macs/${facts.mac}`;
  const leaves: Record<string, Leaf | undefined> = {
    'dynamic/instance-identity/document': () => identityDocument(identity),
    'dynamic/instance-identity/rsa2048': () => authority.rsa2048(identity),
    'dynamic/instance-identity/pkcs7': () => authority.pkcs7(identity),
    'dynamic/instance-identity/signature': () => authority.signature(identity),
    'meta-data/ami-id': identity.imageId,
    'meta-data/ami-launch-index': '0',
    'meta-data/hostname': hostname,
    'meta-data/instance-id': identity.instanceId,
    'meta-data/instance-life-cycle': facts.lifecycle,
    'meta-data/instance-type': identity.instanceType,
    'meta-data/local-hostname': hostname,
    'meta-data/local-ipv4': identity.privateIp,
    'meta-data/mac': facts.mac,
    'meta-data/public-ipv4': facts.publicIp,
    'meta-data/placement/availability-zone': identity.availabilityZone,
    'meta-data/placement/region': identity.region,
    'meta-data/reservation-id': facts.reservationId,
    'meta-data/security-groups': facts.groups.join('\n'),
    'meta-data/services/domain': 'amazonaws.com',
    'meta-data/services/partition': 'aws',
    [`${nic}/device-number`]: '0',
    [`${nic}/local-ipv4s`]: identity.privateIp,
    [`${nic}/mac`]: facts.mac,
    [`${nic}/security-group-ids`]: facts.groupIds.join('\n'),
    [`${nic}/subnet-id`]: facts.subnetId,
    [`${nic}/vpc-id`]: facts.vpcId,
    'user-data': facts.userData,
  };
  for (const [key, value] of facts.tags ?? []) leaves[`meta-data/tags/instance/${key}`] = value;
  if (interruption) {
    const time = isoSeconds(interruption.at);
    leaves['meta-data/spot/instance-action'] = JSON.stringify({ action: interruption.action, time });
    if (interruption.action === 'terminate') leaves['meta-data/spot/termination-time'] = time;
  }
  if (credentials) {
    const LastUpdated = isoSeconds(now);
    leaves['meta-data/iam/info'] = JSON.stringify({
      Code: 'Success',
      LastUpdated,
      InstanceProfileArn: credentials.profileArn,
      InstanceProfileId: credentials.profileId,
    });
    leaves[`meta-data/iam/security-credentials/${credentials.role}`] = JSON.stringify({
      Code: 'Success',
      LastUpdated,
      Type: 'AWS-HMAC',
      AccessKeyId: credentials.accessKeyId,
      SecretAccessKey: credentials.secretAccessKey,
      Token: credentials.token,
      Expiration: isoSeconds(credentials.expiration),
    });
  }
  return new Map(Object.entries(leaves).filter((entry): entry is [string, Leaf] => entry[1] !== undefined));
}

/** What a path answers: a leaf's text, a folder's list, undefined for neither. */
export async function readTree(tree: Map<string, Leaf>, path: string): Promise<string | undefined> {
  const clean = path.replace(/\/+$/, '');
  const leaf = tree.get(clean);
  if (leaf !== undefined) return typeof leaf === 'string' ? leaf : leaf();
  const prefix = clean === '' ? '' : `${clean}/`;
  const below = [...tree.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  if (below.length === 0) return undefined;
  const names = below.map((rest) => (rest.includes('/') ? `${rest.slice(0, rest.indexOf('/'))}/` : rest));
  return [...new Set(names)].sort().join('\n');
}
