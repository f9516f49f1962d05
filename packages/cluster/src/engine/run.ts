import { readable } from '../aws/errors.ts';
import { ClusterError } from '../config.ts';
import type { Look, Part, Scene } from './part.ts';

export type Verdict = 'create' | 'adopt' | 'change' | 'none' | 'later' | 'blocked';

/** One line of a plan. */
export interface PlanLine {
  part: string;
  title: string;
  verdict: Verdict;
  id?: string;
  note?: string;
}

/** Looks at every part and changes nothing. */
export async function survey(scene: Scene, parts: readonly Part[]): Promise<PlanLine[]> {
  const lines: PlanLine[] = [];
  for (const part of parts) {
    const seen = await looked(scene, part);
    lines.push({
      part: part.part,
      title: part.title,
      verdict: verdictOf(seen, scene),
      ...('id' in seen ? { id: seen.id } : {}),
      ...(seen.note === undefined ? {} : { note: seen.note }),
    });
  }
  return lines;
}

function verdictOf(seen: Look, scene: Scene): Verdict {
  if (seen.state === 'absent' || seen.state === 'pending') return 'create';
  if (seen.state === 'blocked') return 'blocked';
  if (seen.state === 'differs') return seen.later && !scene.upgrading ? 'later' : 'change';
  return seen.adopted ? 'adopt' : 'none';
}

async function looked(scene: Scene, part: Part): Promise<Look> {
  const seen = await part.look(scene).catch((error: unknown) => {
    throw readable(error, part.title);
  });
  if ('id' in seen) scene.ids.set(part.part, seen.id);
  else scene.ids.delete(part.part);
  return seen;
}

const PATIENCE_MS = 300_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;
/** Whoever waits is told so often that it still goes on. */
const TELL_MS = 60_000;

/**
 * Brings every part to where it should be, one after the other.
 * @param beforeStep called before each change: renews the lock, and throws when it is lost.
 * @returns what was changed, in order.
 */
export async function bringUp(
  scene: Scene,
  parts: readonly Part[],
  beforeStep: () => Promise<void>,
): Promise<PlanLine[]> {
  const changed: PlanLine[] = [];
  for (const part of parts) {
    const verdict = await bringOne(scene, part, beforeStep);
    if (verdict) {
      changed.push({ part: part.part, title: part.title, verdict, id: scene.ids.get(part.part)! });
      scene.say(`${verdict === 'create' ? 'made' : 'changed'}: ${part.title} (${scene.ids.get(part.part)})`);
    }
  }
  return changed;
}

async function bringOne(scene: Scene, part: Part, beforeStep: () => Promise<void>): Promise<Verdict | undefined> {
  const deadline = scene.clock.now() + (part.patience ?? PATIENCE_MS);
  let verdict: Verdict | undefined;
  let pause = FIRST_PAUSE_MS;
  let told = '';
  let toldAt = scene.clock.now();
  const began = toldAt;
  for (;;) {
    const seen = await looked(scene, part);
    if (seen.state === 'same' || (seen.state === 'differs' && seen.later && !scene.upgrading)) return verdict;
    if (seen.state === 'blocked') throw new ClusterError(`${part.title}: ${seen.note}`);
    if (scene.clock.now() > deadline) throw await tooLong(scene, part, seen);
    if (seen.state === 'pending') {
      verdict ??= 'create';
      const now = scene.clock.now();
      if (seen.note !== told || now - toldAt >= TELL_MS) {
        const minutes = Math.floor((now - began) / 60_000);
        scene.say(`${part.title}: ${seen.note} …${minutes > 0 ? ` (${minutes} min)` : ''}`);
        told = seen.note;
        toldAt = now;
      }
      await scene.clock.sleep(pause);
      pause = Math.min(pause * 1.6, LONGEST_PAUSE_MS);
      await beforeStep();
      continue;
    }
    verdict ??= seen.state === 'absent' ? 'create' : 'change';
    await beforeStep();
    await part.make(scene, seen).catch((error: unknown) => {
      throw readable(error, part.title);
    });
  }
}

async function tooLong(scene: Scene, part: Part, seen: Look): Promise<ClusterError> {
  const minutes = Math.round((part.patience ?? PATIENCE_MS) / 60_000);
  const more = await part.explain?.(scene).catch(() => '');
  return new ClusterError(
    `${part.title} is not ready after ${minutes} minutes (${seen.note ?? seen.state}).${more ? `\n${more}` : ''}\n` +
      'Nothing is lost: the same command goes on where this one stopped.',
  );
}
