import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedPassword } from '@atrium/auth-shared-password';
import { Secret } from '@atrium/sdk';
import { EchoWorld, echoSpawner } from '@atrium/spawner-echo';
import * as sdk from '@aws-sdk/client-route-53';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { manualClock } from '../../../../tools/ec2-sim/src/clock.ts';
import { type Ec2Sim, type Ec2SimOptions, startEc2Sim } from '../../../../tools/ec2-sim/src/sim.ts';
import { clientSettings } from '../../../../tools/ec2-sim/src/testing.ts';
import { testPebble } from '../../../../tools/test-machine.ts';
import { startPebble } from '../../../../tools/test-pebble.ts';
import { readFetched, readState } from '../../../hub/src/acme/acme.repo.ts';
import { WORDS } from '../../../hub/src/acme/hub-acme.ts';
import { certificateNews } from '../../../hub/src/acme/news.service.ts';
import { startTestHub } from '../../../hub/src/testing/index.ts';
import { presentInRoute53 } from './route53.ts';

const LONG = 600_000;
const SOON = { timeout: 150_000, interval: 50 };
const NAME = '_acme-challenge.hub.example.org';
const OTHERS = '"somebody-else-proves-something"';

/** What the guide gives the hub, and no more. */
const POLICY = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: ['route53:ListHostedZonesByName', 'route53:GetChange'], Resource: '*' },
    {
      Effect: 'Allow',
      Action: ['route53:ListResourceRecordSets', 'route53:ChangeResourceRecordSets'],
      Resource: 'arn:aws:route53:::hostedzone/*',
    },
  ],
};

afterEach(() => vi.unstubAllEnvs());

/** An account of AWS with one zone, of which the SDK hears as it does everywhere: by the environment. */
async function account(options: Ec2SimOptions = {}) {
  const clock = manualClock();
  const sim = await startEc2Sim({ clock, policy: POLICY, ...options });
  for (const [name, value] of Object.entries(sim.env('hub'))) vi.stubEnv(name, value);
  const zone = sim.services.addHostedZone('example.org');
  const client = new sdk.Route53Client(clientSettings(sim));
  const values = async () => {
    const { ResourceRecordSets = [] } = await client.send(
      new sdk.ListResourceRecordSetsCommand({ HostedZoneId: zone }),
    );
    const found = ResourceRecordSets.find(({ Name, Type }) => Name === `${NAME}.` && Type === 'TXT');
    return found?.ResourceRecords?.map(({ Value = '' }) => Value) ?? [];
  };
  const put = (Value: string) =>
    client.send(
      new sdk.ChangeResourceRecordSetsCommand({
        HostedZoneId: zone,
        ChangeBatch: {
          Changes: [
            {
              Action: 'UPSERT',
              ResourceRecordSet: { Name: NAME, Type: 'TXT', TTL: 300, ResourceRecords: [{ Value }] },
            },
          ],
        },
      }),
    );
  return {
    sim,
    zone,
    clock,
    values,
    put,
    /** As the hub does it; its pauses are the account's, too. */
    present(records: Record<string, string>, more: { zoneId?: string; wait?: number } = {}) {
      const sleep = (ms: number) => clock.advance(ms);
      const all = Object.entries(records).map(([value, name]) => ({ name, value }));
      const left: string[] = [];
      const io = {
        words: WORDS,
        clock: { now: () => clock.now(), sleep },
        signal: new AbortController().signal,
        onLeft: (error: Error) => void left.push(error.message),
      };
      return presentInRoute53({ wait: 300_000, ...more }, all, io);
    },
    [Symbol.asyncDispose]: () => sim[Symbol.asyncDispose](),
  };
}

test('values of one name are set together, beside those of others, and only ours are taken away', async () => {
  await using aws = await account();
  await aws.put(OTHERS);

  const records = await aws.present({ one: NAME, two: NAME });
  expect((await aws.values()).sort()).toEqual(['"one"', OTHERS, '"two"'].sort());
  // Another hub of the same name at the same time.
  const more = await aws.present({ two: NAME, three: NAME }, { zoneId: aws.zone });
  expect(await aws.values()).toHaveLength(4);
  await records[Symbol.asyncDispose]();
  expect((await aws.values()).sort()).toEqual([OTHERS, '"three"'].sort());
  await more[Symbol.asyncDispose]();
  expect(await aws.values()).toEqual([OTHERS]);

  // Where nobody else has any, nothing is left.
  await using _empty = await aws.present({ one: 'x.hub.example.org' });
});

test('a value that was there already is waited for, too: who put it there may have done so a moment ago', async () => {
  await using aws = await account();
  await aws.put('"one"');
  const before = aws.clock.now();

  await using _records = await aws.present({ one: NAME });

  expect(await aws.values()).toEqual(['"one"']);
  // The account brings a change to its name servers within half a minute.
  expect(aws.clock.now() - before).toBeGreaterThanOrEqual(30_000);
});

test('a name that somebody else changes at the same moment is read again', async () => {
  await using aws = await account();
  await aws.put(OTHERS);
  const late = aws.sim.faults.add({
    ...{ action: 'route53:ChangeResourceRecordSets', code: 'InvalidChangeBatch' },
    message: 'the values provided do not match the current values',
  });

  await using _records = await aws.present({ one: NAME });

  expect(late.hits).toBe(1);
  expect(await aws.values()).toEqual([OTHERS, '"one"']);
});

const denied = { ...POLICY, Statement: POLICY.Statement.slice(0, 1) };
test.each<[string, (aws: Awaited<ReturnType<typeof account>>) => Promise<unknown>, string, Ec2SimOptions?]>([
  ['a right that is missing', (aws) => aws.present({ one: NAME }), 'AWS does not allow the hub', { policy: denied }],
  ['a zone that is not there', (aws) => aws.present({ one: NAME }, { zoneId: 'ZNONE' }), 'There is no zone ZNONE'],
  ['a name in no zone', (aws) => aws.present({ one: '_acme-challenge.hub.elsewhere.net' }), 'has no public zone'],
  [
    'several zones',
    async (aws) => {
      aws.sim.services.addHostedZone('example.org');
      await aws.present({ one: NAME });
    },
    'several public zones example.org',
  ],
  [
    'name servers that do not follow',
    (aws) => aws.present({ one: NAME }, { wait: 4_000 }),
    'did not bring it to its name servers in time',
  ],
  [
    'no credentials',
    (aws) => {
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined);
      for (const name of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE']) vi.stubEnv(name, '/nowhere');
      return aws.present({ one: NAME });
    },
    'No AWS credentials were found for Route 53',
  ],
])('%s is said in a sentence, and no record stays', async (_what, act, words, options) => {
  await using aws = await account(options);

  await expect(act(aws)).rejects.toMatchObject({ name: 'AcmeProblem', message: expect.stringContaining(words) });

  if (options === undefined && !words.includes('No AWS')) expect(await aws.values()).toEqual([]);
});

describe.skipIf(!testPebble())('the hub, Route 53 and an ACME authority', { timeout: LONG }, () => {
  test('names are proved by records that are there once Route 53 says so, and gone afterwards', async () => {
    await using aws = await account();
    await aws.put(OTHERS);
    await using pebble = await startPebble();
    const dataDir = mkdtempSync(join(tmpdir(), 'atrium-route53-'));
    await using world = new EchoWorld();
    const over = new AbortController();
    // The authority's name server has what the zone has, and only then is the change everywhere.
    const mirrored = mirror(aws, pebble.dns, over.signal);
    try {
      await using hub = await startTestHub({
        spawner: echoSpawner({ world }),
        authenticator: sharedPassword({ password: new Secret('x') }),
        config: {
          hubKey: new Secret('k'),
          tls: {
            acme: {
              ...{ email: 'ada@example.org', directory: pebble.directory, ca: pebble.ca },
              ...{ domains: ['hub.example.org', '*.hub.example.org'], dns: { route53: {} } },
            },
          },
        },
        dataDir,
      });
      const fetched = async () => ({
        chain: (await readFetched(hub.ctx.db, hub.ctx.keys)).certificate?.chain,
        problem: (await readState(hub.ctx.db)).problem,
      });

      const patiently = async () => {
        const now = await fetched();
        // On a busy machine Pebble may fail to look a name up; whoever runs the hub then asks for one more attempt.
        if (now.problem !== undefined) await certificateNews(hub.ctx, true);
        return now;
      };
      await expect.poll(patiently, SOON).toEqual({ chain: expect.stringContaining('BEGIN'), problem: undefined });
      expect(await aws.values()).toEqual([OTHERS]);
    } finally {
      over.abort();
      await mirrored;
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});

async function mirror(
  { sim, clock, values }: { sim: Ec2Sim; clock: ReturnType<typeof manualClock>; values(): Promise<string[]> },
  dns: { set: string; clear: string },
  signal: AbortSignal,
): Promise<void> {
  const post = (url: string, body: object) => fetch(url, { method: 'POST', body: JSON.stringify(body) });
  let before = '';
  while (!signal.aborted) {
    const now = await values();
    if (now.join() !== before) {
      await post(dns.clear, { host: `${NAME}.` });
      for (const value of now) await post(dns.set, { host: `${NAME}.`, value: JSON.parse(value) });
      before = now.join();
      // The hub's have been copied, and it changes nothing more before they are everywhere.
      if (now.length > 1) await clock.advance(60_000);
    } else await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(sim.violations).toEqual([]);
}
