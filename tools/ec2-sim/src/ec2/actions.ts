import type { Action } from './action.ts';
import { instanceActions } from './instances.ts';
import { tagActions } from './tags.ts';
import { volumeActions } from './volumes.ts';

/** Every action the simulator has, by name. */
export const ACTIONS: ReadonlyMap<string, Action> = new Map(
  [...instanceActions, ...volumeActions, ...tagActions].map((one) => [one.name, one]),
);
