import { EC2Client } from '@aws-sdk/client-ec2';
import { expect } from 'vitest';
import { type ManualClock, manualClock } from './clock.ts';
import { type Ec2Sim, type Ec2SimOptions, startEc2Sim } from './sim.ts';

/** A simulator on a clock that stands still, and the SDK's own client for it, without retries. */
export async function startTestSim(
  options: Ec2SimOptions = {},
): Promise<AsyncDisposable & { sim: Ec2Sim; ec2: EC2Client; clock: ManualClock }> {
  const clock = manualClock();
  const sim = await startEc2Sim({ clock, ...options });
  const ec2 = clientFor(sim);
  return {
    sim,
    ec2,
    clock,
    async [Symbol.asyncDispose]() {
      ec2.destroy();
      await sim[Symbol.asyncDispose]();
    },
  };
}

export function clientFor(sim: Ec2Sim, who = 'test', maxAttempts = 1): EC2Client {
  const env = sim.env(who);
  return new EC2Client({
    endpoint: sim.endpoint,
    region: sim.region,
    maxAttempts,
    credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID!, secretAccessKey: env.AWS_SECRET_ACCESS_KEY! },
  });
}

/** The code with which AWS refuses. Fails when the call succeeds. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (caught: unknown) => caught as Error,
  );
  expect(error, 'the call was not refused').toBeDefined();
  return error!.name;
}

/** A public image for x86_64. */
export function someImage(sim: Ec2Sim, arch = 'x86_64'): string {
  return [...sim.world.images.values()].find((image) => image.public && image.architecture === arch)!.id;
}
