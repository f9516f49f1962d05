import { z } from 'zod';
import { certificateNews } from '../acme/news.service.ts';
import { defineVerb } from './verb.ts';

const certificate = defineVerb(z.strictObject({ renew: z.boolean() }), (ctx, { renew }) => certificateNews(ctx, renew));

export const certificateVerbs = { certificate };
