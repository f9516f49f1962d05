import { type ClusterConfig, ClusterError, isAdopted } from '../config.ts';
import type { Part, Scene } from '../engine/part.ts';
import { dnsParts } from './dns.ts';
import { groupParts } from './groups.ts';
import { identity } from './identity.ts';
import { imageParts } from './image.ts';
import { managerAddress, managerParts } from './manager.ts';
import { type Layout, networkParts } from './network.ts';
import { pin } from './pin.ts';
import { roleParts } from './role.ts';
import { routeParts } from './routes.ts';
import { settingsParts } from './settings.ts';
import { templateParts } from './template.ts';

/** Everything that a cluster is, in the order in which it is made. */
export function partsOf(config: ClusterConfig, layout: Layout): Part[] {
  const zone = isAdopted(config.network) ? undefined : layout.zones[0];
  return [
    identity,
    ...networkParts(config, layout),
    ...routeParts(config, layout),
    ...groupParts(config),
    ...roleParts(config),
    managerAddress,
    ...imageParts(config),
    ...templateParts(config),
    ...settingsParts(config, layout),
    ...managerParts(config, zone),
    pin,
    ...dnsParts(config),
  ];
}

/** Names of the availability zones that the cluster lies in. */
export async function layoutOf({ aws, config, region }: Pick<Scene, 'aws' | 'config' | 'region'>): Promise<Layout> {
  if (isAdopted(config.network)) return { zones: [] };
  const { zones } = config.network.create;
  if (typeof zones !== 'number') return { zones };
  const { AvailabilityZones = [] } = await (await aws.ec2()).describeAvailabilityZones({});
  const names = AvailabilityZones.filter(({ State }) => State === 'available')
    .map(({ ZoneName }) => `${ZoneName}`)
    .sort();
  if (names.length === 0) throw new ClusterError(`There is no availability zone in ${region} that you may use.`);
  return { zones: names.slice(0, zones) };
}
