import { readFileSync } from 'node:fs';
import type { ClusterInput } from '@atrium/cluster';
import { CommandError, type GlobalValues, type Terminal } from '../cli/command.ts';
import { readConfig } from '../files/config-file.ts';
import { findDataDir, placesOf } from '../files/data-dir.ts';
import { findConfigFile } from '../files/find-config.ts';

/** The command needs AWS's libraries: they are loaded when one of its commands runs, and not before. */
export const loadCluster = () => import('@atrium/cluster');

/** A profile of the EC2 spawner, as far as quotas, prices and policies go. */
interface SpawnerProfile {
  id: string;
  types: string[];
  market: 'on-demand' | 'spot';
  rootGb?: number;
}

/**
 * What `atrium cluster …` works on: the key `cluster` of the configuration file, checked, with the spawner's profiles.
 * @throws CommandError when there is no file.
 */
export async function clusterInput(values: GlobalValues, terminal: Terminal): Promise<ClusterInput> {
  const file = findConfigFile(values.config, placesOf(findDataDir(values['data-dir'])).dataDir);
  if (file === undefined) {
    throw new CommandError(
      'There is no configuration file. Write atrium.config.ts with the key cluster, or say --config <file>.',
    );
  }
  const { config: hub, options } = await readConfig(file, {});
  const { readClusterConfig } = await loadCluster();
  const config = readClusterConfig(hub.cluster);
  const { profiles = [] } = (hub.spawner.id === 'ec2' ? options.spawner : {}) as { profiles?: SpawnerProfile[] };
  const known = profiles.map(({ id, types, market, rootGb = 8 }) => ({ name: id, types, market, rootGb }));
  return {
    config: config.profiles.length > 0 ? config : { ...config, profiles: known },
    configText: readFileSync(file, 'utf8'),
    say: (text) => terminal.say(text),
  };
}
