import {
  DescribeInstancesCommand,
  EC2Client,
  type Instance,
  type ResourceType,
  RunInstancesCommand,
  type RunInstancesCommandInput,
} from '@aws-sdk/client-ec2';
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

/** What the client of any service is made from. */
export function clientSettings(sim: Ec2Sim, who = 'test', maxAttempts = 1) {
  const env = sim.env(who);
  return {
    endpoint: sim.endpoint,
    region: sim.region,
    maxAttempts,
    credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID!, secretAccessKey: env.AWS_SECRET_ACCESS_KEY! },
  };
}

export function clientFor(sim: Ec2Sim, who = 'test', maxAttempts = 1): EC2Client {
  return new EC2Client(clientSettings(sim, who, maxAttempts));
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

export type TestSim = Awaited<ReturnType<typeof startTestSim>>;

/** Launches as told, in the smallest way that EC2 takes, and waits until they run. Ids, in order. */
export async function running(
  t: TestSim,
  more: Partial<RunInstancesCommandInput> = {},
  count = 1,
): Promise<[string, ...string[]]> {
  const { Instances } = await t.ec2.send(launchOf(t.sim, { MinCount: count, MaxCount: count, ...more }));
  await t.clock.advance(t.sim.world.delays.pendingMs);
  return Instances!.map(({ InstanceId }) => InstanceId!) as [string, ...string[]];
}

/** A launch of one machine of a small type; `more` changes it. */
export function launchOf(sim: Ec2Sim, more: Partial<RunInstancesCommandInput> = {}): RunInstancesCommand {
  return new RunInstancesCommand({
    ImageId: someImage(sim),
    InstanceType: 't3.medium',
    MinCount: 1,
    MaxCount: 1,
    ...more,
  });
}

/** The subnet of a zone in the default network. */
export function subnetIn(sim: Ec2Sim, zone: string): string {
  return [...sim.world.subnets.values()].find((subnet) => subnet.zone === zone)!.id;
}

/** Tags of one resource type, as creates take them. */
export function tagging(ResourceType: ResourceType, tags: Record<string, string>) {
  return { ResourceType, Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
}

/** An instance as DescribeInstances shows it now. */
export async function seen(t: TestSim, id: string): Promise<Instance> {
  const { Reservations } = await t.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  return Reservations![0]!.Instances![0]!;
}
