import { orGone } from '../aws/errors.ts';
import type { Part, Scene } from '../engine/part.ts';
import { parameterPath } from '../tags.ts';
import { probeManager } from './manager.ts';
import { parameterTags } from './settings.ts';

const nameOf = (scene: Scene) => parameterPath(scene.config.name, 'manager', 'pin');

/** How the hub's certificate showed itself when the cluster was made; `status` sends its token to nobody else. */
export async function readPin(scene: Scene): Promise<string | undefined> {
  return (await orGone((await scene.aws.ssm()).getParameter({ Name: nameOf(scene) })))?.Parameter?.Value;
}

export const pin: Part = {
  part: 'setting-pin',
  title: "mark of the hub's certificate",
  async look(scene) {
    if (!scene.owner) return { state: 'absent' };
    const known = await readPin(scene);
    if (known === undefined) return { state: 'absent' };
    const seen = await probeManager(scene);
    if (seen.ok && seen.fingerprint !== known) {
      return { state: 'differs', id: nameOf(scene), note: 'the hub has another certificate', later: true };
    }
    return { state: 'same', id: nameOf(scene) };
  },
  async make(scene) {
    const seen = await probeManager(scene);
    if (!seen.ok) return;
    const ssm = await scene.aws.ssm();
    const known = await readPin(scene);
    const put = { Name: nameOf(scene), Value: seen.fingerprint, Type: 'String' as const };
    if (known === undefined) await ssm.putParameter({ ...put, Overwrite: false, Tags: parameterTags(scene) });
    else await ssm.putParameter({ ...put, Overwrite: true });
  },
};
