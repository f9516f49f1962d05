import type { z } from 'zod';

/** One thing the root helper will do for a plug-in. Input is checked by the helper, which trusts nothing it is sent. */
export interface HelperVerb {
  input: z.ZodType;
  run(input: never, context: HelperContext): Promise<unknown>;
}

/** What the root helper knows by itself, never from a request. */
export interface HelperContext {
  readonly hubId: string;
  readonly dataDir: string;
  readonly runDir: string;
  /** The account hub and proxy run as. */
  readonly hubUid: number;
  readonly hubGid: number;
}

/** A closed list of verbs, shipped with a first-party plug-in and wired by the `atrium` package, never by a config. */
export interface HelperDefinition {
  /** The plug-in's id. */
  id: string;
  verbs: Readonly<Record<string, HelperVerb>>;
}

/** Checks a verb's type where it is written; the registry then holds verbs of many types. */
export function defineVerb<Input extends z.ZodType>(
  input: Input,
  run: (input: z.output<Input>, context: HelperContext) => Promise<unknown>,
): HelperVerb {
  return { input, run: run as HelperVerb['run'] };
}

/** Runs a verb in the helper. Rejects with the helper's message; answers are JSON. */
export interface HelperClient {
  call(verb: string, input: unknown): Promise<unknown>;
}
