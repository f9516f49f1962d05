import type { Json, MaintainAction, Store } from '@atrium/sdk';
import type { Ec2Fault } from './errors.ts';
import { adminWords } from './words.ts';
import type { Ec2World } from './world.ts';

/** Something that an administrator should know. Key `trouble/<code>/<about>`. */
type Trouble = { code: string; message: string; at: number };

const PREFIX = 'trouble/';
/** So often the same one is written down, however many people run into it. */
const AGAIN_MS = 60_000;
/** After so long without a new case it is not told any more. */
const FORGET_MS = 30 * 60_000;

/** Writes down a refusal of EC2 for the administration page. */
export async function noteTrouble(
  world: Ec2World,
  store: Store,
  error: Ec2Fault,
  about: { profile: string; type: string; zone: string; market: string },
): Promise<void> {
  const { code, message } = adminWords(error, about);
  await noteAlert(world, store, `${error.code}/${about.profile}`, { code, message });
}

/** Writes down anything else that an administrator should know; `about` tells cases of one code apart. */
export async function noteAlert(
  world: Ec2World,
  store: Store,
  about: string,
  { code, message }: { code: string; message: string },
): Promise<void> {
  const key = `${PREFIX}${code}/${about}`;
  const at = world.clock.now();
  const known = (await store.get(key)) as Trouble | undefined;
  if (!known || at - known.at >= AGAIN_MS) await store.put(key, { code, message, at } satisfies Json);
}

/** What was written down lately, each as an alert; what is old is forgotten. */
export async function tellTroubles(
  world: Ec2World,
  { store, dryRun }: { store: Store; dryRun: boolean },
): Promise<MaintainAction[]> {
  const told: MaintainAction[] = [];
  for (const [key, value] of await store.entries(PREFIX)) {
    const { code, message, at } = value as Trouble;
    if (world.clock.now() - at <= FORGET_MS) told.push({ code, message, alert: true });
    else if (!dryRun) await store.delete(key);
  }
  return told;
}
