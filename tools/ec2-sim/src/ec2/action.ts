import type * as sdk from '@aws-sdk/client-ec2';
import type { Caller } from '../services/index.ts';
import type { SimCore } from '../sim.ts';
import type { World } from '../world.ts';
import type { FilterTable } from './filters.ts';

type CommandName = keyof typeof sdk & `${string}Command`;
export type ActionName = CommandName extends `${infer A}Command` ? A : never;
type Command<A extends ActionName> = (typeof sdk)[`${A}Command` & CommandName];
/** Of a parameter list that may be empty, its one member. */
type Only<P> = P extends [infer I] ? I : never;
type Input<A extends ActionName> = Only<ConstructorParameters<Command<A>>>;
type Output<A extends ActionName> =
  Command<A> extends new (
    ...rest: never[]
  ) => { resolveMiddleware(...r: never[]): (...r: never[]) => Promise<{ output: infer O }> }
    ? Omit<O, '$metadata'>
    : never;

export interface Context {
  core: SimCore;
  world: World;
  caller: Caller;
}

/** One EC2 action: what it accepts is a table, what is not in the table is a violation. */
export interface Action {
  name: string;
  mutating: boolean;
  /** Paths in the SDK's names; one allows all below it. */
  parameters: readonly string[];
  /** Names of filters and how each reads a record. */
  filters?: FilterTable<never>;
  /** Paged describes: the smaller bucket counts without filter or MaxResults. */
  paged: boolean;
  run(input: object, context: Context): object | Promise<object>;
}

export interface Definition<A extends ActionName> {
  mutating?: boolean;
  parameters: string;
  // biome-ignore lint/suspicious/noExplicitAny: a table reads its own kind of record; the action that owns it knows which.
  filters?: FilterTable<any>;
  run(input: Input<A>, context: Context): Output<A> | Promise<Output<A>>;
}

/** Describes one action. Parameters are separated by blanks; `DryRun`, and for describes the paging ones, need no mention. */
export function action<A extends ActionName>(name: A, definition: Definition<A>): Action {
  const parameters = definition.parameters.split(/\s+/).filter(Boolean);
  const mutating = definition.mutating ?? !(name.startsWith('Describe') || name.startsWith('Get'));
  return {
    name,
    mutating,
    parameters: ['DryRun', ...(definition.filters ? ['Filters'] : []), ...parameters],
    ...(definition.filters ? { filters: definition.filters as FilterTable<never> } : {}),
    paged: parameters.includes('MaxResults'),
    run: (input, context) => definition.run(input as Input<A>, context) as object | Promise<object>,
  };
}

/** Whether a path, or one above it, is in the table. */
export function isAllowed(parameters: readonly string[], path: string): boolean {
  return parameters.some((allowed) => path === allowed || path.startsWith(`${allowed}.`));
}
