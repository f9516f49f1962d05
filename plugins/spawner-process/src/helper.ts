import { defineVerb, type HelperDefinition } from '@atrium/sdk';
import { z } from 'zod';
import { remove, signalLaunch, sweepDrafts, tend } from './control.ts';
import { LaunchInput, launch, WarmBasis } from './launch.ts';
import { type Place, ProcessRef } from './layout.ts';
import { launches, look } from './look.ts';
import { probe } from './machine.ts';
import { removeHome, StorageName } from './storage.ts';
import { WarmStarts } from './warm.ts';

/** Templates belong to the process that starts servers, which serves one installation. */
const warmStarts = new Map<string, WarmStarts>();

/** Ends the templates of an installation; its servers stay. For tests: elsewhere they end with the process. */
export function closeWarmStarts(dataDir: string): void {
  for (const [key, starts] of warmStarts) {
    if (!key.endsWith(`\n${dataDir}`)) continue;
    starts.close();
    warmStarts.delete(key);
  }
}

export function warmStartsOf(place: Place): WarmStarts {
  const key = `${place.hubId}\n${place.dataDir}`;
  const known = warmStarts.get(key) ?? new WarmStarts(place);
  warmStarts.set(key, known);
  return known;
}

/**
 * Everything the plug-in does that may need root. In a hub that was not started as root the same functions run in the
 * hub, as its own account. Paths never come from a request, except what a server may read (see `launch.ts`).
 */
export const processHelper: HelperDefinition = {
  id: 'process',
  verbs: {
    probe: defineVerb(z.strictObject({ isolation: z.enum(['auto', 'none']) }), async ({ isolation }, context) => {
      await sweepDrafts(context);
      return probe(isolation);
    }),
    launch: defineVerb(LaunchInput, async (input, context) => {
      return launch(input, context, warmStartsOf(context));
    }),
    /** Loads the template that such starts would come from, in the background. */
    warmUp: defineVerb(WarmBasis, async (input, context) => {
      await warmStartsOf(context).prepare(input);
      return null;
    }),
    warmState: defineVerb(z.strictObject({ now: z.number() }), ({ now }, context) => warmStartsOf(context).report(now)),
    /** Many at once, so that looking after hundreds of servers is one message. */
    observe: defineVerb(z.strictObject({ refs: z.array(ProcessRef) }), ({ refs }, context) =>
      Promise.all(refs.map(async (ref) => (await look(context, ref)) ?? null)),
    ),
    tend: defineVerb(z.strictObject({ refs: z.array(ProcessRef), now: z.number() }), async ({ refs, now }, context) => {
      await Promise.all(refs.map((ref) => tend(context, ref, now)));
      return null;
    }),
    signal: defineVerb(z.strictObject({ ref: ProcessRef, force: z.boolean() }), async ({ ref, force }, context) => {
      await signalLaunch(context, ref, force);
      return null;
    }),
    list: defineVerb(z.strictObject({}), (_, context) => launches(context)),
    remove: defineVerb(z.strictObject({ ref: ProcessRef }), async ({ ref }, context) => {
      await remove(context, ref);
      return null;
    }),
    removeHome: defineVerb(z.strictObject({ storage: StorageName }), async ({ storage }, context) => {
      await removeHome(context, storage);
      return null;
    }),
  },
};
