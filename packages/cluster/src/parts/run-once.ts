import type { Instance, RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import { orGone } from '../aws/errors.ts';
import { ownerOf, type Scene } from '../engine/part.ts';
import { digest, tokenFor } from '../tags.ts';

/** A machine launched no longer ago than this was launched by the call that just answered. */
const FRESH_MS = 120_000;
const LONGEST_CHAIN = 50;

/**
 * Launches one machine, once: the same question gives the same machine, whoever asks and however often an answer was
 * lost. A token that stands for a machine that is gone leads to the next token of a chain, the same for everybody.
 */
export async function runOnce(
  scene: Scene,
  seed: readonly string[],
  input: Omit<RunInstancesCommandInput, 'ClientToken' | 'MinCount' | 'MaxCount'>,
): Promise<string> {
  const ec2 = await scene.aws.ec2();
  // AWS refuses a token that comes again with another subnet or group, as after a cluster was taken down and made anew.
  const asked = digest(JSON.stringify(input));
  let after = '';
  for (let link = 0; link < LONGEST_CHAIN; link++) {
    const ClientToken = tokenFor(ownerOf(scene), ...seed, asked, after);
    const { Instances = [] } = await ec2.runInstances({ ...input, MinCount: 1, MaxCount: 1, ClientToken });
    const [made] = Instances;
    if (!made?.InstanceId) throw new Error('AWS launched a machine, but named none');
    if (isAlive(made) && scene.clock.now() - Number(made.LaunchTime) < FRESH_MS) return made.InstanceId;
    const seen = await orGone(ec2.describeInstances({ InstanceIds: [made.InstanceId] }));
    const now = seen?.Reservations?.[0]?.Instances?.[0];
    if (now && isAlive(now)) return made.InstanceId;
    after = made.InstanceId;
  }
  throw new Error('Too many machines were launched and terminated for the same thing');
}

const isAlive = ({ State }: Instance) => State?.Name !== 'terminated' && State?.Name !== 'shutting-down';
