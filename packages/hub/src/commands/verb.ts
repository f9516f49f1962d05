import type { z } from 'zod';
import type { AppContext } from '../context.ts';

/** One thing the command line asks of the hub: the same whether a hub runs or the database was opened for it. */
export interface Verb {
  input: z.ZodType;
  run(ctx: AppContext, input: never): Promise<unknown>;
}

/** Checks a verb's type where it is written; the registry then holds verbs of many types. */
export function defineVerb<Input extends z.ZodType>(
  input: Input,
  run: (ctx: AppContext, input: z.output<Input>) => Promise<unknown>,
): Verb {
  return { input, run: run as Verb['run'] };
}
