import { Secret } from '@atrium/sdk';
import { z } from 'zod';
import { defineVerb } from './verb.ts';
import { importJupyterHub } from '../import/import.service.ts';
import { SourceSchema } from '../import/source/schema.ts';
import { undoImport } from '../import/undo.service.ts';

const Import = z.strictObject({
  source: SourceSchema,
  /** Hexadecimal. */
  cookieSecret: z.string().optional(),
  apply: z.boolean(),
});

const take = defineVerb(Import, (ctx, { source, cookieSecret, apply }) =>
  importJupyterHub(ctx, {
    source,
    apply,
    cookieSecret: cookieSecret === undefined ? undefined : new Secret(cookieSecret, 'cookie secret'),
  }),
);

const undo = defineVerb(z.strictObject({ apply: z.boolean() }), (ctx, request) => undoImport(ctx, request));

export const importVerbs = { 'import-jupyterhub': take, 'import-undo': undo };
