import { readable } from './aws/errors.ts';
import { ClusterError } from './config.ts';
import { takeLock } from './engine/lock.ts';
import type { Scene } from './engine/part.ts';
import { bringUp, type PlanLine, survey } from './engine/run.ts';
import { readFirstAdmin } from './manager/first-admin.ts';
import { layoutOf, partsOf } from './parts/index.ts';
import { probeManager } from './parts/manager.ts';
import { preflight } from './preflight.ts';
import { type ClusterInput, openScene } from './scene.ts';

export interface UpResult {
  cluster: { name: string; id: string };
  url: string;
  /** How the certificate shows itself to a browser that does not know it. */
  fingerprint: string | null;
  /** Where the first account is made, as long as there is no administrator. Secret. */
  firstAdmin: { url: string; expiresAt: number } | null;
  changed: PlanLine[];
  /** What only `atrium cluster upgrade` changes. */
  later: PlanLine[];
}

/** Makes what is missing. Asks nothing: who calls it has asked. A second call changes nothing. */
export async function upCluster(input: ClusterInput): Promise<UpResult> {
  return bring(await openScene(input), 'up');
}

export async function bring(scene: Scene, doing: 'up' | 'upgrade'): Promise<UpResult> {
  try {
    const layout = await layoutOf(scene);
    const parts = partsOf(scene.config, layout);
    const before = await survey(scene, parts);
    const todo = before.filter(({ verdict }) => verdict === 'create' || verdict === 'change');
    const blocked = before.filter(({ verdict }) => verdict === 'blocked');
    if (blocked.length > 0) throw new ClusterError(blocked.map(({ title, note }) => `${title}: ${note}`).join('\n'));
    let changed: PlanLine[] = [];
    if (todo.length > 0) {
      const fails = (await preflight(scene, layout)).filter(({ state }) => state === 'fail');
      // What is there already was possible; only a new cluster is refused for want of something.
      if (!scene.owner && fails.length > 0) {
        throw new ClusterError(fails.map(({ name, message }) => `${name}: ${message}`).join('\n'));
      }
      await using lock = await takeLock(scene, doing);
      changed = await bringUp(scene, parts, () => lock.keep());
    }
    const seen = await probeManager(scene);
    const after = todo.length > 0 ? await survey(scene, parts) : before;
    return {
      cluster: { name: scene.config.name, id: scene.owner?.id ?? '' },
      url: `https://${scene.config.manager.domain ?? scene.ids.get('address-joined') ?? ''}/`,
      fingerprint: seen.ok ? seen.fingerprint : null,
      firstAdmin: await readFirstAdmin(scene),
      changed,
      later: after.filter(({ verdict }) => verdict === 'later'),
    };
  } catch (error) {
    throw readable(error);
  }
}
