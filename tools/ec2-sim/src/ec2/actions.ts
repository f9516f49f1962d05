import type { Action } from './action.ts';
import { catalogueActions } from './catalogue.ts';
import { fleetActions } from './fleet.ts';
import { groupActions } from './groups.ts';
import { imageActions } from './images.ts';
import { moreInstanceActions } from './instance-more.ts';
import { instanceActions } from './instances.ts';
import { interfaceActions } from './interfaces.ts';
import { networkActions } from './network.ts';
import { routeActions } from './routes.ts';
import { snapshotActions } from './snapshots.ts';
import { tagActions } from './tags.ts';
import { templateActions } from './templates.ts';
import { volumeChangeActions } from './volume-changes.ts';
import { volumeActions } from './volumes.ts';

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
    ...networkActions,
    ...routeActions,
    ...groupActions,
    ...interfaceActions,
  ].map((one) => [one.name, one]),
);
