import type { Clock } from '@atrium/sdk';
import type { ResourceRecordSet, Route53Client } from '@aws-sdk/client-route-53';
import { AcmeProblem } from '../client/problem.ts';
import type { Words } from '../settings.ts';
import type { DnsRecord } from './dns-exec.ts';
import { route53Problem } from './route53-problem.ts';

type Sdk = typeof import('@aws-sdk/client-route-53');

/** Route 53 is one for the whole world; this is where its requests are signed for. */
const REGION = 'us-east-1';
const TIMEOUTS = { connectionTimeout: 5_000, requestTimeout: 30_000 };
const LOOK_MS = 2_000;
/** Seconds: what is looked at once need not be remembered for long. */
const TTL = 60;
/** Somebody else changed the same name meanwhile, or AWS is still at it. */
const TRIES = 5;
const CLEAN_UP_MS = 2 * 60_000;

export interface Route53Options {
  zoneId?: string | undefined;
  region?: string | undefined;
  /** How long a record may take to reach all name servers, ms. */
  wait: number;
}

interface Io {
  words: Words;
  clock: Clock;
  signal: AbortSignal;
  onLeft(error: Error): void;
}

/** All values that one name is to have beside those of others. */
interface Wanted {
  zone: string;
  name: string;
  values: readonly string[];
}

interface Calls {
  sdk: Sdk;
  client: Route53Client;
  words: Words;
  clock: Clock;
  signal: AbortSignal;
}

/**
 * Sets TXT records and waits until all name servers of the zones have them; takes them away when disposed. What others have
 * under the same name stays. Credentials are found by the SDK's own rules: environment, profile, role of the machine.
 * @throws AcmeProblem
 */
export async function presentInRoute53(
  options: Route53Options,
  records: readonly DnsRecord[],
  { words, clock, signal, onLeft }: Io,
): Promise<AsyncDisposable> {
  const sdk = await import('@aws-sdk/client-route-53');
  const client = new sdk.Route53Client({
    region: options.region ?? REGION,
    maxAttempts: 4,
    requestHandler: TIMEOUTS,
  });
  const calls = { sdk, client, words, clock, signal };
  const set: Wanted[] = [];
  const takeAway = async () => {
    // Also when the program ends: nobody else would do it.
    const patient = { ...calls, signal: AbortSignal.timeout(CLEAN_UP_MS) };
    for (const wanted of set.splice(0)) await withoutValues(patient, wanted).catch(onLeft);
    client.destroy();
  };
  try {
    const changes: string[] = [];
    for (const [name, values] of Map.groupBy(records, (each) => each.name)) {
      const zone = options.zoneId ?? (await findZone(calls, name));
      const wanted = { zone, name, values: values.map(({ value }) => JSON.stringify(value)) };
      set.push(wanted);
      const change = await withValues(calls, wanted);
      if (change !== undefined) changes.push(change);
    }
    const until = clock.now() + options.wait;
    for (const change of changes) await everywhere(calls, change, until);
  } catch (error) {
    await takeAway();
    signal.throwIfAborted();
    throw error instanceof AcmeProblem ? error : route53Problem(error as Error, options.zoneId, words);
  }
  return { [Symbol.asyncDispose]: takeAway };
}

/** The public zone with the longest name that this one is in. */
async function findZone({ sdk, client, words, signal }: Calls, name: string): Promise<string> {
  const labels = name.split('.');
  for (let at = 1; at < labels.length - 1; at += 1) {
    const DNSName = labels.slice(at).join('.');
    const command = new sdk.ListHostedZonesByNameCommand({ DNSName, MaxItems: 20 });
    const { HostedZones = [] } = await client.send(command, { abortSignal: signal });
    const found = HostedZones.filter(({ Name, Config }) => Name === `${DNSName}.` && !Config?.PrivateZone);
    if (found.length > 1) {
      const ids = found.map(({ Id = '' }) => bare(Id)).join(', ');
      throw new AcmeProblem(`Route 53 has several public zones ${DNSName} (${ids}): set ${words.zone}.`);
    }
    if (found[0]?.Id !== undefined) return bare(found[0].Id);
  }
  throw new AcmeProblem(
    `Route 53 has no public zone in this AWS account that ${name} is in. If another account has it, set the credentials of that one.`,
  );
}

/**
 * What is there already is written once more: whoever put it there may have done so a moment ago, and only a change of one's
 * own can be asked whether it, and with it all that came before, is everywhere.
 * @returns the change, by its id
 */
function withValues(calls: Calls, { zone, name, values }: Wanted): Promise<string | undefined> {
  return changeValues(calls, zone, name, (before) => [...new Set([...before, ...values])], true);
}

async function withoutValues(calls: Calls, { zone, name, values }: Wanted): Promise<void> {
  await changeValues(calls, zone, name, (before) => before.filter((value) => !values.includes(value)));
}

/** All or nothing, and only if nobody changed the name since it was read: else it is read again. */
async function changeValues(
  calls: Calls,
  zone: string,
  name: string,
  next: (before: readonly string[]) => string[],
  always = false,
): Promise<string | undefined> {
  const { sdk, client, clock, signal } = calls;
  for (let tries = 1; ; tries += 1) {
    const before = await readRecord(calls, zone, name);
    // An alias has no values, and of a record with a routing policy there may be several.
    if (before?.AliasTarget || before?.SetIdentifier !== undefined)
      throw new AcmeProblem(
        `The TXT record ${name} in Route 53 is an alias or has a routing policy, and is not touched. Make it a simple record, or remove it.`,
      );
    const valuesBefore = before?.ResourceRecords?.map(({ Value = '' }) => Value) ?? [];
    const values = next(valuesBefore);
    const isSame = values.length === valuesBefore.length && values.every((value) => valuesBefore.includes(value));
    if (isSame && !always) return undefined;
    const after: ResourceRecordSet = {
      ...{ Name: `${name}.`, Type: 'TXT' as const, TTL: before?.TTL ?? TTL },
      ResourceRecords: values.map((Value) => ({ Value })),
    };
    const Changes = [
      ...(before ? [{ Action: 'DELETE' as const, ResourceRecordSet: before }] : []),
      ...(values.length > 0 ? [{ Action: 'CREATE' as const, ResourceRecordSet: after }] : []),
    ];
    const command = new sdk.ChangeResourceRecordSetsCommand({ HostedZoneId: zone, ChangeBatch: { Changes } });
    try {
      return (await client.send(command, { abortSignal: signal })).ChangeInfo?.Id;
    } catch (error) {
      const isLate = ['InvalidChangeBatch', 'PriorRequestNotComplete'].includes((error as Error).name);
      if (!isLate || tries === TRIES) throw error;
      await clock.sleep(LOOK_MS, signal);
    }
  }
}

async function readRecord({ sdk, client, signal }: Calls, zone: string, name: string) {
  const command = new sdk.ListResourceRecordSetsCommand({
    HostedZoneId: zone,
    StartRecordName: name,
    StartRecordType: 'TXT',
    MaxItems: 1,
  });
  const { ResourceRecordSets = [] } = await client.send(command, { abortSignal: signal });
  return ResourceRecordSets.find(({ Name, Type }) => Name === `${name}.` && Type === 'TXT');
}

async function everywhere({ sdk, client, words, clock, signal }: Calls, change: string, until: number): Promise<void> {
  for (;;) {
    const { ChangeInfo } = await client.send(new sdk.GetChangeCommand({ Id: change }), { abortSignal: signal });
    if (ChangeInfo?.Status === 'INSYNC') return;
    if (clock.now() > until) {
      throw new AcmeProblem(
        `Route 53 took a record and did not bring it to its name servers in time (${words.dnsWait}).`,
      );
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

const bare = (id: string) => id.replace(/^\/hostedzone\//, '');
