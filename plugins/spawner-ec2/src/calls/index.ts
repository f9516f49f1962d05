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
export async function openEc2(config: Pick<Ec2Config, 'region' | 'limits'>, clock: Clock): Promise<Ec2Calls> {
  const sdk = await import('@aws-sdk/client-ec2');
  const options = {
    ...(config.region && { region: config.region }),
    maxAttempts: 1,
    requestHandler: TIMEOUTS,
  };
  const client = new sdk.EC2Client(options);
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

  return { ...instanceCalls(parts), ...volumeCalls(parts), getParameter };
}
