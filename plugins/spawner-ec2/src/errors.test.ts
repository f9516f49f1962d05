import { scaledClock } from '@atrium/ec2-sim';
import { SpawnFault } from '@atrium/sdk';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { classOf, Ec2Fault, type Ec2FaultClass, toFault } from './errors.ts';
import { type Rig, serversOf, startRig } from './testing/rig.ts';

const CODES: Record<Ec2FaultClass, readonly string[]> = {
  throttle: ['RequestLimitExceeded', 'Throttling', 'EC2ThrottledException'],
  transient: ['InternalError', 'Unavailable', 'ServiceUnavailable'],
  consistency: ['InvalidInstanceID.NotFound', 'InvalidVolume.NotFound', 'InvalidGroup.NotFound'],
  capacity: [
    'InsufficientInstanceCapacity',
    'InsufficientHostCapacity',
    'Unsupported',
    'SpotMaxPriceTooLow',
    'MaxSpotInstanceCountExceeded',
  ],
  quota: [
    'VcpuLimitExceeded',
    'InstanceLimitExceeded',
    'VolumeLimitExceeded',
    'AddressLimitExceeded',
    'PrivateIpAddressLimitExceeded',
    'InsufficientFreeAddressesInSubnet',
  ],
  state: ['IncorrectInstanceState', 'IncorrectState', 'VolumeInUse', 'OperationNotPermitted'],
  mismatch: ['IdempotentParameterMismatch'],
  config: ['InvalidParameterCombination', 'UnauthorizedOperation', 'OptInRequired', 'AuthFailure', 'SomethingNew'],
  image: ['InvalidAMIID.NotFound', 'InvalidAMIID.Malformed', 'InvalidAMIID.Unavailable'],
};

test.each(Object.entries(CODES).flatMap(([name, codes]) => codes.map((code) => [code, name])))(
  '%s is of class %s',
  (code, name) => {
    expect(classOf(code)).toBe(name);
  },
);

test('an instance profile that IAM has just made is waited for', () => {
  const message = 'Value (atrium) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name';
  expect(classOf('InvalidParameterValue', message)).toBe('consistency');
  expect(classOf('InvalidParameterValue', 'Value (x) for parameter groupId is invalid.')).toBe('config');
});

test.each([
  ['a connection that was cut', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }), 'transient'],
  ['no answer in time', Object.assign(new Error('Request timed out'), { name: 'TimeoutError' }), 'transient'],
  ['no credentials', Object.assign(new Error('none'), { name: 'CredentialsProviderError' }), 'config'],
  [
    'an unknown error of the server',
    Object.assign(new Error('?'), { name: 'Mystery', $metadata: { httpStatusCode: 502 } }),
    'transient',
  ],
])('%s', (_, error, name) => {
  expect(toFault('RunInstances', error)).toMatchObject({ class: name });
});

test('an abort stays an abort', () => {
  const error = Object.assign(new Error('aborted'), { name: 'AbortError' });
  expect(toFault('RunInstances', error)).toBe(error);
});

describe('what a launch that EC2 refuses means for people', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await startRig({ silent: true });
  });
  afterEach(async () => {
    await rig[Symbol.asyncDispose]();
  });

  /** Goes on until the start ends, and gives what the person reads. */
  async function endOf(server: string): Promise<{ fault: SpawnFault['fault']; launches: number }> {
    const step = () =>
      rig.hub.ensure(server).then(
        () => undefined,
        (error: unknown) => error,
      );
    const ended = await vi.waitUntil(step, { timeout: 20_000, interval: 5 });
    if (!(ended instanceof SpawnFault)) throw ended;
    return { fault: ended.fault, launches: rig.sim.calls.all('RunInstances').length };
  }
  const alerts = async () =>
    (
      await rig.hub.spawner.maintain!({
        ...rig.hub.world,
        signal: new AbortController().signal,
        dryRun: false,
        wantedSpares: {},
        servers: async () => serversOf(rig),
      })
    ).filter(({ alert }) => alert);

  test.each([
    ['VcpuLimitExceeded', 'quota', /reached one of its limits/, /L-1216C47A/],
    ['InsufficientFreeAddressesInSubnet', 'quota', /reached one of its limits/, /free addresses of the subnet/],
    ['UnauthorizedOperation', 'config', /lacks the permission/, /lacks a permission/],
    ['InvalidParameterCombination', 'config', /as this installation describes it/, /as they are configured/],
    ['InvalidAMIID.NotFound', 'image', /image .* does not exist/, /The image of profile small/],
  ])('%s ends the start at once, in words, and the administrator is told', async (code, name, words, notice) => {
    rig.sim.faults.add({ action: 'RunInstances', code, message: 'as AWS says it', times: 1_000 });
    rig.hub.begin('s1');

    const { fault, launches } = await endOf('s1');

    expect(launches).toBe(1);
    expect(fault).toMatchObject({ class: name, message: expect.stringMatching(words) });
    expect(fault.advice).toBeTruthy();
    // What AWS says is for the administrator.
    expect(JSON.stringify(fault)).not.toContain('as AWS says it');
    expect(await alerts()).toMatchObject([{ message: expect.stringMatching(notice) }]);
    expect((await alerts())[0]!.message).toContain('as AWS says it');
  });

  test('a quota of graphics machines is named as such', async () => {
    const [small] = rig.config.profiles;
    rig.config = { ...rig.config, profiles: [{ ...small!, types: ['g4dn.xlarge'] }] };
    rig.hub = await rig.open();
    rig.sim.faults.add({ action: 'RunInstances', code: 'VcpuLimitExceeded', times: 1_000 });
    rig.hub.begin('s1');

    const { fault } = await endOf('s1');

    expect(fault.advice).toMatch(/Running On-Demand G and VT instances” \(L-DB2E81BA\)/);
  });

  test('what is wrong with a profile is asked of EC2 once a minute, not once a person', async () => {
    rig.sim.faults.add({ action: 'RunInstances', code: 'InvalidParameterCombination', times: 1_000 });
    const { world } = rig.hub;
    for (const server of ['s1', 's2', 's3']) {
      rig.hub.begin(server, { user: server });
      await expect(endOf(server)).resolves.toMatchObject({ fault: { class: 'config' } });
    }
    expect(rig.sim.calls.all('RunInstances')).toHaveLength(1);

    await world.clock.sleep(61_000);
    rig.hub.begin('s4', { user: 's4' });
    await endOf('s4');
    expect(rig.sim.calls.all('RunInstances')).toHaveLength(2);
  });

  test.each(['RequestLimitExceeded', 'InternalError', 'Unavailable'])('%s passes by itself', async (code) => {
    rig.sim.faults.add({ action: 'RunInstances', code, times: 3 });
    rig.hub.begin('s1');

    await expect.poll(() => rig.hub.ensure('s1').then(() => rig.living('s1').length), { timeout: 20_000 }).toBe(1);

    const tokens = rig.sim.calls.all('RunInstances').map(({ params }) => params.ClientToken);
    expect(new Set(tokens).size).toBe(1);
    expect(await alerts()).toEqual([]);
  });

  test('an alert is told for half an hour after the last case', async () => {
    await rig[Symbol.asyncDispose]();
    rig = await startRig({ silent: true, sim: { clock: scaledClock(2_000) } });
    rig.sim.faults.add({ action: 'RunInstances', code: 'VcpuLimitExceeded' });
    rig.hub.begin('s1');
    await endOf('s1');
    expect(await alerts()).toHaveLength(1);

    await rig.clock.sleep(31 * 60_000);

    expect(await alerts()).toEqual([]);
  });
});

test('a fault says which call it was, and keeps EC2’s own code', () => {
  const fault = new Ec2Fault('RunInstances', 'VcpuLimitExceeded', 'too many');
  expect(fault).toMatchObject({ message: 'RunInstances: VcpuLimitExceeded: too many', retryable: false });
});
