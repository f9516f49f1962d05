import type { Action } from './action.ts';
import { addressActions } from './addresses.ts';
import { catalogueActions } from './catalogue.ts';
import { endpointActions } from './endpoints.ts';
import { fleetActions } from './fleet.ts';
import { gatewayActions } from './gateways.ts';
import { groupActions } from './groups.ts';
import { imageActions } from './images.ts';
import { moreInstanceActions } from './instance-more.ts';
import { instanceActions } from './instances.ts';
import { interfaceActions } from './interfaces.ts';
import { natActions } from './nat-gateways.ts';
import { routeActions } from './routes.ts';
import { snapshotActions } from './snapshots.ts';
import { subnetActions } from './subnets.ts';
import { tagActions } from './tags.ts';
import { templateActions } from './templates.ts';
import { volumeChangeActions } from './volume-changes.ts';
import { volumeActions } from './volumes.ts';
import { vpcActions } from './vpcs.ts';

/** Every action the simulator has, by name. */
export const ACTIONS: ReadonlyMap<string, Action> = new Map(
  [
    ...instanceActions,
    ...moreInstanceActions,
    ...volumeActions,
    ...volumeChangeActions,
    ...snapshotActions,
    ...imageActions,
    ...templateActions,
    ...tagActions,
    ...catalogueActions,
    ...fleetActions,
    ...vpcActions,
    ...subnetActions,
    ...gatewayActions,
    ...routeActions,
    ...groupActions,
    ...interfaceActions,
    ...addressActions,
    ...natActions,
    ...endpointActions,
  ].map((one) => [one.name, one]),
);
