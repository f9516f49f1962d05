import { Secret } from '@atrium/sdk';
import { z } from 'zod';
import { exportAll } from '../export/export.service.ts';
import { importJupyterHub } from '../import/import.service.ts';
import { SourceSchema } from '../import/source/schema.ts';
import { undoImport } from '../import/undo.service.ts';
import { defineVerb } from './verb.ts';

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

const out = defineVerb(z.strictObject({}), (ctx) => exportAll(ctx));

export const importVerbs = { 'import-jupyterhub': take, 'import-undo': undo, export: out };
