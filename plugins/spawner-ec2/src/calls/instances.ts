import type { Clock } from '@atrium/sdk';
import type * as Sdk from '@aws-sdk/client-ec2';
import { Ec2Fault } from '../errors.ts';
import { batcher, bisect } from './batch.ts';
import { launchInput } from './launch-input.ts';
import type { Buckets } from './limits.ts';
import { launchQueue } from './queue.ts';
import type { Send } from './send.ts';
import { filterList, tagList, toHealth, toImage, toInstance } from './shapes.ts';
import type { CallOptions, Ec2Calls, Ec2Instance, Filters, InstanceHealth } from './types.ts';

/** Reading one answer of EC2 holds up everybody else: 200 instances take up to 50 ms. */
export const PAGE = 100;
const MOST_HALVINGS = 3;
const BATCH = { windowMs: 200, most: 100 };

type InstanceCalls = Pick<
  Ec2Calls,
  | 'describeInstances'
  | 'sweepInstances'
  | 'runInstances'
  | 'launchTurn'
  | 'startInstance'
  | 'stopInstance'
  | 'terminateInstances'
  | 'rebootInstances'
  | 'modifyInstanceType'
  | 'describeInstanceStatus'
  | 'getConsoleOutput'
  | 'describeImages'
  | 'createTags'
>;

export interface CallParts {
  sdk: typeof Sdk;
  client: Sdk.EC2Client;
  clock: Clock;
  send: Send;
  buckets: Buckets;
}

export function instanceCalls({ sdk, client, clock, send, buckets }: CallParts): InstanceCalls {
  const machines = (api: string, n: number, signal?: AbortSignal) => buckets(`${api} machines`).take(n, signal);
  const turn = launchQueue(clock, [buckets('RunInstances'), buckets('RunInstances machines')]);

  const start = batcher<void>({
    clock,
    ...BATCH,
    run: (ids) =>
      bisect(
        ids,
        async (part) => {
          await machines('StartInstances', part.length);
          const call = () => client.send(new sdk.StartInstancesCommand({ InstanceIds: part }));
          await send('StartInstances', call, { again: 'any' });
        },
        mayBeOne,
      ),
  });
  const stops = new Map<string, (id: string, signal?: AbortSignal) => Promise<void>>();
  const stop = ({ hibernate, force }: { hibernate: boolean; force: boolean }) => {
    const kind = `${hibernate} ${force}`;
    let made = stops.get(kind);
    if (!made) {
      made = batcher<void>({
        clock,
        ...BATCH,
        run: (ids) =>
          bisect(
            ids,
            async (part) => {
              await machines('StopInstances', part.length);
              const input = { InstanceIds: part, ...(hibernate && { Hibernate: true }), ...(force && { Force: true }) };
              await send('StopInstances', () => client.send(new sdk.StopInstancesCommand(input)), { again: 'any' });
            },
            mayBeOne,
          ),
      });
      stops.set(kind, made);
    }
    return made;
  };

  async function* sweep(filters: Filters, options: CallOptions = {}): AsyncIterable<Ec2Instance[]> {
    let next: string | undefined;
    do {
      const input = { Filters: filterList(filters), MaxResults: PAGE, ...(next && { NextToken: next }) };
      const answer = await send(
        'DescribeInstances',
        () => client.send(new sdk.DescribeInstancesCommand(input), abort(options)),
        {
          again: 'any',
          ...options,
        },
      );
      yield (answer.Reservations ?? []).flatMap(({ Instances = [], OwnerId }) =>
        Instances.map((one) => toInstance(one, OwnerId)),
      );
      await turnOfLoop();
      next = answer.NextToken;
    } while (next);
  }

  return {
    sweepInstances: sweep,
    async describeInstances(query, options = {}) {
      if ('filters' in query) return (await Array.fromAsync(sweep(query.filters, options))).flat();
      const found: Ec2Instance[] = [];
      for (let at = 0; at < query.ids.length; at += PAGE) {
        const input = { InstanceIds: query.ids.slice(at, at + PAGE) };
        const call = () => client.send(new sdk.DescribeInstancesCommand(input), abort(options));
        const answer = await send('DescribeInstances', call, {
          bucket: 'DescribeInstances unfiltered',
          again: 'any',
          ...options,
        });
        for (const { Instances = [], OwnerId } of answer.Reservations ?? []) {
          found.push(...Instances.map((one) => toInstance(one, OwnerId)));
        }
        await turnOfLoop();
      }
      return found;
    },
    launchTurn: turn,
    async runInstances(launch, options = {}) {
      if (!launch.turnTaken) await machines('RunInstances', launch.count ?? 1, options.signal);
      const call = () => client.send(new sdk.RunInstancesCommand(launchInput(launch)), abort(options));
      const answer = await send('RunInstances', call, {
        ...(launch.turnTaken && { bucket: 'RunInstances with a turn' }),
        again: 'never',
        ...options,
      }).catch((error: unknown) => {
        if (launch.turnTaken && error instanceof Ec2Fault && error.class === 'throttle')
          buckets('RunInstances').refused();
        throw error;
      });
      return (answer.Instances ?? []).map((one) => toInstance(one, answer.OwnerId));
    },
    startInstance: (id, options) => start(id, options?.signal),
    stopInstance: (id, how, options) => stop(how)(id, options?.signal),
    async terminateInstances(ids, options = {}) {
      if (ids.length === 0) return;
      const outcomes = await bisect(
        [...ids],
        async (part) => {
          await machines('TerminateInstances', part.length, options.signal);
          const call = () => client.send(new sdk.TerminateInstancesCommand({ InstanceIds: part }), abort(options));
          await send('TerminateInstances', call, { again: 'any', ...options });
        },
        mayBeOne,
      );
      for (const outcome of outcomes.values()) {
        // What EC2 does not know is as terminated as can be.
        if (
          'error' in outcome &&
          !(outcome.error instanceof Ec2Fault && outcome.error.code === 'InvalidInstanceID.NotFound')
        )
          throw outcome.error;
      }
    },
    async rebootInstances(ids, options = {}) {
      const call = () => client.send(new sdk.RebootInstancesCommand({ InstanceIds: [...ids] }), abort(options));
      await send('RebootInstances', call, { again: 'throttle', ...options });
    },
    async modifyInstanceType(id, type, options = {}) {
      const input = { InstanceId: id, InstanceType: { Value: type } };
      const call = () => client.send(new sdk.ModifyInstanceAttributeCommand(input), abort(options));
      await send('ModifyInstanceAttribute', call, { again: 'any', ...options });
    },
    async describeInstanceStatus(query, options = {}) {
      const found: InstanceHealth[] = [];
      const ask = async (input: Sdk.DescribeInstanceStatusCommandInput) => {
        const call = () => client.send(new sdk.DescribeInstanceStatusCommand(input), abort(options));
        const bucket = input.Filters ? 'DescribeInstanceStatus' : 'DescribeInstanceStatus unfiltered';
        const answer = await send('DescribeInstanceStatus', call, { bucket, again: 'any', ...options });
        found.push(...(answer.InstanceStatuses ?? []).map(toHealth));
        await turnOfLoop();
        return answer.NextToken;
      };
      if ('ids' in query) {
        for (let at = 0; at < query.ids.length; at += PAGE) await ask({ InstanceIds: query.ids.slice(at, at + PAGE) });
        return found;
      }
      for (let next: string | undefined = ''; next !== undefined; ) {
        next = await ask({ Filters: filterList(query.filters), MaxResults: PAGE, ...(next && { NextToken: next }) });
      }
      return found;
    },
    async getConsoleOutput(id, options = {}) {
      const call = () => client.send(new sdk.GetConsoleOutputCommand({ InstanceId: id, Latest: true }), abort(options));
      const { Output = '' } = await send('GetConsoleOutput', call, { again: 'throttle', ...options });
      return Buffer.from(Output, 'base64').toString();
    },
    async describeImages(query, options = {}) {
      const input =
        'ids' in query ? { ImageIds: [...query.ids] } : { Filters: filterList(query.filters), Owners: ['self'] };
      const call = () => client.send(new sdk.DescribeImagesCommand(input), abort(options));
      const bucket = 'ids' in query ? 'DescribeImages unfiltered' : 'DescribeImages';
      const { Images = [] } = await send('DescribeImages', call, { bucket, again: 'any', ...options });
      return Images.map(toImage);
    },
    async createTags(ids, tags, options = {}) {
      if (ids.length === 0) return;
      const call = () =>
        client.send(new sdk.CreateTagsCommand({ Resources: [...ids], Tags: tagList(tags) }), abort(options));
      await send('CreateTags', call, { again: 'any', ...options });
    },
  };
}

/** Whether one member of a batch may be to blame; else halving it helps nobody. */
function mayBeOne(error: unknown, depth: number): boolean {
  if (!(error instanceof Ec2Fault) || error.class === 'throttle' || error.class === 'transient') return false;
  // Lack of machines strikes all of a kind: a few halves tell the kinds apart, single ones would be 199 calls for 100.
  if (error.class === 'capacity' || error.class === 'quota') return depth < MOST_HALVINGS;
  return !['UnauthorizedOperation', 'AuthFailure', 'OptInRequired', 'Blocked'].includes(error.code);
}

export const abort = ({ signal }: CallOptions) => (signal ? { abortSignal: signal } : {});

/** Lets others go on before the next part. */
export const turnOfLoop = () => new Promise<void>((resolve) => setImmediate(resolve));
