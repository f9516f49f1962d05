import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { isThere, orGone } from '../aws/errors.ts';
import { type ClusterConfig, ClusterError } from '../config.ts';
import { idOf, type Look, ownerOf, type Part, type Scene } from '../engine/part.ts';
import { parameterPath, TAG } from '../tags.ts';
import { type Layout, workerSubnets } from './network.ts';

/** A standard parameter holds so much; a larger one costs some cents a month. */
const STANDARD_BYTES = 4096;
const MOST_BYTES = 8192;

/** What the manager cannot know by itself. The command `atrium up` gives it to the spawner. */
export interface ClusterFacts {
  cluster: { name: string; id: string };
  region: string;
  /** Account that all machines belong to. */
  account: string;
  subnets: { id: string; zone: string }[];
  launchTemplate: { id: string; version: string };
  /** Of people's machines. */
  securityGroups: string[];
  port: number;
  /** Public name or address of the manager. */
  host: string;
}

/**
 * Parameters from which the manager reads its settings at each start and once a minute: the configuration file, facts of
 * the cluster, secrets. Secrets are encrypted, and stand neither in user data nor in tags.
 */
export function settingsParts(config: ClusterConfig, layout: Layout): Part[] {
  const { tls, env } = config.manager;
  const secrets = Object.entries(env).map(([name, value]) =>
    parameter(`env-${name}`, `secret ${name}`, 'SecureString', async () => value.reveal()),
  );
  const certificate =
    tls === 'self-signed'
      ? []
      : [
          parameter('tls-cert', 'certificate', 'String', async () => packed(readCertificate(tls.cert))),
          parameter('tls-key', 'key of the certificate', 'SecureString', async () => tls.key.reveal()),
        ];
  return [
    parameter('config', 'configuration file', 'String', async (scene) => packed(scene.configText)),
    parameter('facts', 'facts of the cluster', 'String', async (scene) =>
      JSON.stringify(await factsFor(scene, layout)),
    ),
    ...certificate,
    ...secrets,
  ];
}

/** The one parameter that the manager writes: the link to the first account. */
export const FIRST_ADMIN = 'first-admin';

/** The path below which the manager reads. */
export const settingsPath = (name: string): string => parameterPath(name, 'manager');

const nameOf = (scene: Pick<Scene, 'config'>, what: string) => `${settingsPath(scene.config.name)}/${what}`;

const parameter = (
  what: string,
  title: string,
  Type: 'String' | 'SecureString',
  wanted: (scene: Scene) => Promise<string>,
): Part => ({
  part: `setting-${what}`,
  title: `the manager's ${title}`,
  async look(scene): Promise<Look> {
    if (!scene.owner) return { state: 'absent' };
    const Name = nameOf(scene, what);
    const ssm = await scene.aws.ssm();
    const found = await orGone(ssm.getParameter({ Name, WithDecryption: Type === 'SecureString' }));
    if (!found?.Parameter) return { state: 'absent' };
    if (what === 'facts' && !hasFacts(scene)) return { state: 'differs', id: Name, note: 'parts of it are missing' };
    return found.Parameter.Value === (await wanted(scene))
      ? { state: 'same', id: Name }
      : { state: 'differs', id: Name, note: 'changed' };
  },
  async make(scene, seen) {
    const Name = nameOf(scene, what);
    const Value = await wanted(scene);
    if (Buffer.byteLength(Value) > MOST_BYTES) {
      throw new ClusterError(`The ${title} is too long for the manager: ${Value.length} bytes, at most ${MOST_BYTES}.`);
    }
    const Tier = Buffer.byteLength(Value) > STANDARD_BYTES ? 'Advanced' : 'Standard';
    const ssm = await scene.aws.ssm();
    if (seen.state === 'absent') {
      await ssm
        .putParameter({ Name, Value, Type, Tier, Overwrite: false, Tags: parameterTags(scene) })
        .catch((error) => {
          if (!isThere(error)) throw error;
        });
      return;
    }
    await ssm.putParameter({ Name, Value, Type, Overwrite: true, ...(Tier === 'Advanced' ? { Tier } : {}) });
  },
});

export function parameterTags(scene: Scene): { Key: string; Value: string }[] {
  const owner = ownerOf(scene);
  return [
    { Key: TAG.cluster, Value: owner.name },
    { Key: TAG.clusterId, Value: owner.id },
  ];
}

const hasFacts = (scene: Scene) => ['launch-template', 'address', 'group-worker'].every((part) => scene.ids.has(part));

async function factsFor(scene: Scene, layout: Layout): Promise<ClusterFacts> {
  const ec2 = await scene.aws.ec2();
  const names = workerSubnets(scene.config, layout);
  const SubnetIds = names.map((name) => idOf(scene, name));
  const { Subnets = [] } = await ec2.describeSubnets({ SubnetIds });
  const zoneOf = (id: string) => Subnets.find(({ SubnetId }) => SubnetId === id)?.AvailabilityZone ?? '';
  const template = idOf(scene, 'launch-template');
  const { LaunchTemplates = [] } = await ec2.describeLaunchTemplates({ LaunchTemplateIds: [template] });
  const { Addresses = [] } = await ec2.describeAddresses({ AllocationIds: [idOf(scene, 'address')] });
  return {
    cluster: ownerOf(scene),
    region: scene.region,
    account: scene.account,
    subnets: SubnetIds.map((id) => ({ id, zone: zoneOf(id) })),
    launchTemplate: { id: template, version: String(LaunchTemplates[0]?.DefaultVersionNumber ?? 1) },
    securityGroups: [idOf(scene, 'group-worker')],
    port: scene.config.workerPort,
    host: scene.config.manager.domain ?? Addresses[0]?.PublicIp ?? '',
  };
}

function readCertificate(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ClusterError(`cluster.manager.tls.cert: ${path} cannot be read (${(cause as Error).message})`);
  }
  try {
    new X509Certificate(text);
  } catch {
    throw new ClusterError(`cluster.manager.tls.cert: ${path} holds no certificate in PEM form`);
  }
  return text;
}

/** Text of any length up to some kilobytes, as a parameter takes it. */
export const packed = (text: string): string => gzipSync(text, { level: 9 }).toString('base64');
export const unpacked = (value: string): string => gunzipSync(Buffer.from(value, 'base64')).toString('utf8');
