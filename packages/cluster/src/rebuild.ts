import { readable } from './aws/errors.ts';
import { ClusterError } from './config.ts';
import { type RebuiltRow, rowsFrom, takeInventory } from './inventory.ts';
import { type ClusterInput, openScene } from './scene.ts';

export interface Rebuilt {
  cluster: { name: string; id: string };
  rows: RebuiltRow[];
}

/** What tags tell of machines and homes. Reads only; the hub's own command makes rows of it. */
export async function rebuildRows(input: ClusterInput): Promise<Rebuilt> {
  const scene = await openScene(input);
  if (!scene.owner) throw new ClusterError(`There is no cluster "${input.config.name}" in ${scene.region}.`);
  try {
    return { cluster: scene.owner, rows: rowsFrom(await takeInventory(scene)) };
  } catch (error) {
    throw readable(error);
  }
}
