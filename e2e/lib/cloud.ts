import { join } from 'node:path';
import { type Ec2Sim, type Ec2SimOptions, startEc2Sim } from '@atrium/ec2-sim';
import { addImage } from '../../tools/ec2-sim/src/runner/image.ts';
import { processRunner } from '../../tools/ec2-sim/src/runner/process-runner.ts';
import { fillWorkerRoot } from '../../tools/ec2-sim/src/runner/worker-root.ts';

/** EC2's own times, shortened: what is tested is the order of things, not AWS's speed. */
const DELAYS = { pendingMs: 800, stoppingMs: 800, terminatingMs: 800, attachMs: 200, consistencyMs: 200 };

/** Marks the image that `startCloud` makes. */
const IMAGE = { 'atrium:role': 'ami' };

/** An account with an image that carries Atrium; its machines run the real agent and a real `jupyterhub-singleuser`. */
export async function startCloud(options: Ec2SimOptions = {}): Promise<Ec2Sim> {
  const sim = await startEc2Sim({ delays: DELAYS, runner: processRunner(), ...options });
  await addImage(sim, { name: 'atrium-worker', tags: IMAGE }, fillWorkerRoot);
  return sim;
}

/** The text of a configuration whose servers are machines of that account. */
export function cloudConfig(sim: Ec2Sim, more: { port: number; python: string; idle?: string; ec2?: string }): string {
  const subnets = [...sim.world.subnets.values()].map(({ id, zone }) => ({ id, zone }));
  const group = [...sim.world.groups.values()][0];
  const options = {
    cluster: { name: 'biology' },
    region: sim.region,
    hubUrl: `http://127.0.0.1:${more.port}/hub/`,
    subnets,
    securityGroups: [group?.id],
    identity: { certificates: [sim.certificate] },
    command: [join(more.python, 'bin', 'jupyterhub-singleuser')],
  };
  const profiles = [
    { id: 'small', title: 'Small', types: ['t3.small'], image: { tags: IMAGE } },
    { id: 'large', title: 'Large', types: ['t3.large'], image: { tags: IMAGE }, groups: ['staff'] },
  ];
  return `
import { defineConfig, ec2Spawner } from 'atrium';
export default defineConfig({
  port: ${more.port},
  idle: { stopAfter: '${more.idle ?? '1h'}', warnBefore: '5s', checkEvery: '1s' },
  start: { timeout: '3m', answerTimeout: '2m', stopTimeout: '60s' },
  spawner: ec2Spawner({ ...${JSON.stringify(options)}, profiles: ${JSON.stringify(profiles)} ${more.ec2 ?? ''} }),
});
`;
}
