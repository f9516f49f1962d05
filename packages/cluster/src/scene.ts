import { type Clock, systemClock } from '@atrium/sdk';
import { type Aws, awsClients } from './aws/clients.ts';
import { readable } from './aws/errors.ts';
import type { ClusterConfig } from './config.ts';
import type { Probe, Scene } from './engine/part.ts';
import { readOwner } from './parts/identity.ts';
import { httpsProbe } from './probe.ts';

/** What a cluster command is given. */
export interface ClusterInput {
  config: ClusterConfig;
  /** Text of the configuration file, for the manager. */
  configText: string;
  say: (text: string) => void;
  aws?: Aws;
  clock?: Clock;
  probe?: Probe;
}

/**
 * Finds out who asks and where.
 * @throws ClusterError in plain words without credentials or region.
 */
export async function openScene(input: ClusterInput, upgrading = false): Promise<Scene> {
  const { config, configText, say } = input;
  const aws = input.aws ?? awsClients(config.region);
  try {
    const region = config.region ?? (await (await aws.ec2()).config.region());
    const { Account } = await (await aws.sts()).getCallerIdentity({});
    const scene: Scene = {
      config,
      region,
      account: Account ?? '',
      aws,
      clock: input.clock ?? systemClock,
      say,
      configText,
      probe: input.probe ?? httpsProbe,
      owner: undefined,
      ids: new Map(),
      made: new Map(),
      upgrading,
    };
    scene.owner = await readOwner(scene);
    return scene;
  } catch (error) {
    throw readable(error);
  }
}
