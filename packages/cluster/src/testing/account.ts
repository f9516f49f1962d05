import type { Ec2Sim } from '@atrium/ec2-sim';
import { awsClients } from '../aws/clients.ts';

/** One thing in the account, as plain data. */
export interface Thing {
  id: string;
  kind: string;
  tags: Record<string, string>;
  /** Everything that the account knows about it, as JSON. */
  text: string;
}

const KINDS = [
  'instances',
  'volumes',
  'snapshots',
  'images',
  'templates',
  'vpcs',
  'subnets',
  'groups',
  'gateways',
  'routeTables',
  'nats',
  'endpoints',
  'addresses',
  'interfaces',
] as const;

const plain = (_key: string, value: unknown) =>
  value instanceof Map ? Object.fromEntries(value) : value instanceof Set ? [...value] : value;

/** Everything in the account that is not gone: EC2, IAM and parameters, by id. */
export async function account(sim: Ec2Sim): Promise<Map<string, Thing>> {
  const things: Thing[] = KINDS.flatMap((kind) =>
    [...sim.world[kind].values()]
      .filter((thing) => !('public' in thing && thing.public))
      .filter((thing) => !('state' in thing && /^(terminated|deleted)$/.test(`${thing.state}`)))
      .map((thing) => ({
        id: thing.id,
        kind,
        tags: Object.fromEntries(thing.tags),
        text: JSON.stringify(thing, plain),
      })),
  );
  const aws = awsClients();
  const iam = await aws.iam();
  const { Roles = [] } = await iam.listRoles({});
  const { InstanceProfiles = [] } = await iam.listInstanceProfiles({});
  const { Parameters = [] } = await (await aws.ssm()).getParametersByPath({ Path: '/', Recursive: true });
  const named = (kind: string, id: string, thing: object, Tags: { Key?: string; Value?: string }[] = []): Thing => ({
    id,
    kind,
    tags: Object.fromEntries(Tags.map(({ Key, Value }) => [`${Key}`, `${Value}`])),
    text: JSON.stringify(thing),
  });
  things.push(
    ...Roles.map((role) => named('role', `role ${role.RoleName}`, role)),
    ...InstanceProfiles.map((profile) => named('profile', `profile ${profile.InstanceProfileName}`, profile)),
    ...Parameters.filter(({ Name }) => !Name?.startsWith('/aws/')).map((each) =>
      named('parameter', `${each.Name}`, each),
    ),
  );
  return new Map(things.map((thing) => [thing.id, thing]));
}

const isOurs = ({ tags }: Thing) => tags['atrium:cluster'] !== undefined;

/** What belongs to clusters, without ids and times: equal for two accounts in which the same was made. */
export function shapeOf(things: Map<string, Thing>): string[] {
  return [...things.values()]
    .filter((thing) => isOurs(thing) || thing.id.startsWith('/atrium/'))
    .map(({ id, kind, tags }) => `${kind} ${kind === 'parameter' ? id : (tags['atrium:part'] ?? tags.Name)}`)
    .sort();
}

/** What belongs to nobody of ours, byte by byte. */
export function foreignIn(things: Map<string, Thing>): string[] {
  return [...things.values()]
    .filter((thing) => !isOurs(thing) && !thing.id.startsWith('/atrium/class/'))
    .map(({ text }) => text)
    .sort();
}
