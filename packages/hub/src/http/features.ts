import type { FastifyPluginAsync } from 'fastify';
import type { AppContext } from '../context.ts';

/** Every feature's routes; paths are absolute (`ctx.urls`). Add a line per feature. */
export const FEATURES: readonly FastifyPluginAsync<{ ctx: AppContext }>[] = [];
