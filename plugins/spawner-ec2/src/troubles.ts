import type { Json, MaintainAction, Store } from '@atrium/sdk';
import type { Ec2Fault } from './errors.ts';
import { adminWords } from './words.ts';
import type { Ec2World } from './world.ts';

/** Something that EC2 refused and that an administrator should know. Key `trouble/<code>/<about>`. */
type Trouble = { code: string; message: string; at: number };

const PREFIX = 'trouble/';
/** So often the same one is written down, however many people run into it. */
const AGAIN_MS = 60_000;
/** After so long without a new case it is not told any more. */
const FORGET_MS = 30 * 60_000;

/** Writes down a refusal for the administration page. */
export async function noteTrouble(
  world: Ec2World,
  store: Store,
  error: Ec2Fault,
  about: { profile: string; type: string; zone: string; market: string },
): Promise<void> {
  const { code, message } = adminWords(error, about);
  const key = `${PREFIX}${code}/${error.code}/${about.profile}`;
  const at = world.clock.now();
  const known = (await store.get(key)) as Trouble | undefined;
  if (!known || at - known.at >= AGAIN_MS) await store.put(key, { code, message, at } satisfies Json);
}

/** What EC2 has refused lately, each as an alert; what is old is forgotten. */
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
