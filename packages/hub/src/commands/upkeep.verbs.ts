import { z } from 'zod';
import { upkeepNow } from '../upkeep/upkeep.service.ts';
import { defineVerb } from './verb.ts';

const upkeep = defineVerb(z.strictObject({ dryRun: z.boolean() }), (ctx, { dryRun }) => upkeepNow(ctx, dryRun));

export const upkeepVerbs = { upkeep };
