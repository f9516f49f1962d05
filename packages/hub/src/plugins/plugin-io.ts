import type { Io } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { pluginStore } from './plugin-store.repo.ts';

/** The doors a spawner call gets when it is about no server in particular. */
export function pluginIo(ctx: AppContext, signal: AbortSignal): Io {
  return { clock: ctx.clock, log: ctx.log, signal, store: pluginStore(ctx.db, `spawner-${ctx.spawner.id}`) };
}
