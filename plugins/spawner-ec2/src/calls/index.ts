import type { Clock } from '@atrium/sdk';
import type { Ec2Config } from '../config.ts';
import { instanceCalls } from './instances.ts';
import { buckets as makeBuckets } from './limits.ts';
import { sender } from './send.ts';
import type { Ec2Calls } from './types.ts';
import { volumeCalls } from './volumes.ts';

/** A call that gets no answer for so long has failed, ms; whether its work was done is then not known. */
const TIMEOUTS = { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true };

/**
 * The client. The AWS SDK is loaded here and nowhere else; credentials, region and endpoint are found in its own ways
 * (environment, profiles, instance role). Its retries are off: it takes "no capacity" for a passing error and knows no
 * budget.
 */
export async function openEc2(
  config: Pick<Ec2Config, 'region' | 'limits'>,
  clock: Clock,
): Promise<{ ec2: Ec2Calls; region: string }> {
  const sdk = await import('@aws-sdk/client-ec2');
  const options = {
    ...(config.region && { region: config.region }),
    maxAttempts: 1,
    requestHandler: TIMEOUTS,
  };
  const client = new sdk.EC2Client(options);
  const region = await client.config.region().catch((cause: unknown) => {
    const how = 'Set `region` of the EC2 spawner, AWS_REGION, or a region in the AWS profile.';
    throw new Error(`spawner-ec2: no AWS region is known. ${how}`, { cause });
  });
  const buckets = makeBuckets(clock, config.limits);
  const send = sender(clock, buckets);
  const parts = { sdk, client, clock, send, buckets };

  async function getParameter(name: string, { signal }: { signal?: AbortSignal } = {}): Promise<string | undefined> {
    const ssm = await import('@aws-sdk/client-ssm');
    const reader = new ssm.SSMClient(options);
    try {
      const call = () => reader.send(new ssm.GetParameterCommand({ Name: name }));
      return (await send('GetParameter', call, { again: 'any', signal })).Parameter?.Value;
    } catch (error) {
      if ((error as { code?: string }).code === 'ParameterNotFound') return undefined;
      throw error;
    } finally {
      reader.destroy();
    }
  }

  return { ec2: { ...instanceCalls(parts), ...volumeCalls(parts), getParameter }, region };
}
