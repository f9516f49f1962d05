import { startEcho } from '../children.ts';
import { benchDir, type Placing, type Plan, type RunningHub, startHub } from '../hub.ts';
import type { SeededKind } from './kinds.ts';
import type { Where } from './load.ts';
import type { World } from './world.ts';

/** A hub that has run once, has ended, and has people and servers in its database. */
export interface SeededHub {
  readonly plan: Plan;
  start(): Promise<RunningHub & { api: Where }>;
}

export interface SeededOptions extends Placing {
  /** A PostgreSQL database to use; its own file otherwise. */
  database?: string | undefined;
}

/** Makes one, lets `scene` use it, and removes all of it. */
export async function withSeeded<T>(
  kind: SeededKind,
  world: World,
  options: SeededOptions,
  scene: (hub: SeededHub) => Promise<T>,
): Promise<T> {
  await kind.prepare?.();
  using dir = benchDir();
  await using echo = await startEcho();
  const { database, ...placing } = options;
  const made = await kind.plan(dir.path, echo.url);
  const plan = database === undefined ? made : { ...made, database, env: { ...made.env, BENCH_DATABASE: database } };
  // Once before, so that its files are there and neither hub compiles its sources while it is measured.
  await (await startHub(kind, plan, dir.path, placing))[Symbol.asyncDispose]();
  await kind.seed(dir.path, plan, world, echo.url);
  return await scene({
    plan,
    async start() {
      const hub = await startHub(kind, plan, dir.path, placing);
      return Object.assign(hub, { api: kind.api(dir.path, plan, hub) });
    },
  });
}
