import { HubError } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { asOperator } from '../http/origin.ts';
import { certificateVerbs } from './certificate.verbs.ts';
import { groupVerbs } from './groups.verbs.ts';
import { importVerbs } from './import.verbs.ts';
import { rebuildVerbs } from './rebuild.verbs.ts';
import { serverVerbs } from './servers.verbs.ts';
import { upkeepVerbs } from './upkeep.verbs.ts';
import { userVerbs } from './users.verbs.ts';
import type { Verb } from './verb.ts';

const VERBS: Readonly<Record<string, Verb>> = {
  ...userVerbs,
  ...serverVerbs,
  ...groupVerbs,
  ...upkeepVerbs,
  ...rebuildVerbs,
  ...importVerbs,
  ...certificateVerbs,
};

/**
 * Does what the command line asks. Whoever may ask is the operator: the socket is theirs alone.
 * @throws HubError in words for the terminal.
 */
export async function runVerb(ctx: AppContext, name: string, input: unknown): Promise<unknown> {
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (!verb) {
    throw new HubError(
      'bad_request',
      `The running hub does not know "${name}": it has another version. atrium restart.`,
    );
  }
  const parsed = verb.input.safeParse(input);
  if (!parsed.success) throw new HubError('bad_request', `${name}: ${parsed.error.issues[0]?.message ?? 'bad input'}`);
  return asOperator(() => verb.run(ctx, parsed.data as never));
}
