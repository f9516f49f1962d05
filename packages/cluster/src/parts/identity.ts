import { randomUUID } from 'node:crypto';
import { isThere, orGone } from '../aws/errors.ts';
import type { Part, Scene } from '../engine/part.ts';
import { type Owner, parameterPath } from '../tags.ts';
import { parameterTags } from './settings.ts';

/** Who this cluster is, kept in a parameter; undefined when there is none of that name. */
export async function readOwner({ aws, config }: Pick<Scene, 'aws' | 'config'>): Promise<Owner | undefined> {
  const Name = parameterPath(config.name, 'cluster');
  const found = await orGone((await aws.ssm()).getParameter({ Name }));
  if (!found?.Parameter?.Value) return undefined;
  const { id } = JSON.parse(found.Parameter.Value) as { id: string };
  return { name: config.name, id };
}

/** The cluster's id. It stays as long as anything of the cluster does, so that a later `up` finds people's homes. */
export const identity: Part = {
  part: 'cluster',
  title: 'identity of the cluster',
  async look(scene) {
    scene.owner ??= await readOwner(scene);
    return scene.owner ? { state: 'same', id: scene.owner.id } : { state: 'absent' };
  },
  async make(scene) {
    const owner = { name: scene.config.name, id: randomUUID() };
    const Value = JSON.stringify({ id: owner.id, schema: 1, region: scene.region, made: scene.clock.now() });
    const Tags = parameterTags({ ...scene, owner });
    await (await scene.aws.ssm())
      .putParameter({ Name: parameterPath(owner.name, 'cluster'), Value, Type: 'String', Overwrite: false, Tags })
      .catch((error: unknown) => {
        if (!isThere(error)) throw error;
      });
    // Read again rather than believed: somebody else's id may stand there.
    scene.owner = await readOwner(scene);
  },
};
