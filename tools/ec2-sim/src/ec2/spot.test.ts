import { DescribeSpotPriceHistoryCommand, RebootInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { refusal, running, seen, startTestSim } from '../testing.ts';

const spot = { InstanceMarketOptions: { MarketType: 'spot' as const } };
const stopping = {
  InstanceMarketOptions: {
    MarketType: 'spot' as const,
    SpotOptions: { SpotInstanceType: 'persistent' as const, InstanceInterruptionBehavior: 'stop' as const },
  },
};

test('a spot instance is told two minutes ahead, and then terminated', async () => {
  await using t = await startTestSim();
  const [id] = await running(t, spot);
  const endpoint = await t.sim.services.imds(id);
  const token = await fetch(`${endpoint}/latest/api/token`, {
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '300' },
  });
  const headers = { 'x-aws-ec2-metadata-token': await token.text() };
  const notice = async () => {
    const answer = await fetch(`${endpoint}/latest/meta-data/spot/instance-action`, { headers });
    return answer.ok ? ((await answer.json()) as object) : answer.status;
  };

  expect(await notice()).toBe(404);
  t.sim.byHand.interruptSpot(id);
  expect(await notice()).toEqual({
    action: 'terminate',
    time: new Date(t.clock.now() + 120_000).toISOString().replace('.000', ''),
  });
  await t.clock.advance(119_000);
  expect((await seen(t, id)).State!.Name).toBe('running');
  await t.clock.advance(1_000);
  expect(await seen(t, id)).toMatchObject({
    State: { Name: 'shutting-down' },
    StateReason: { Code: 'Server.SpotInstanceTermination' },
    InstanceLifecycle: 'spot',
  });
});

test('a persistent one can be asked to stop instead, and a reboot does not save it', async () => {
  await using t = await startTestSim();
  const [id] = await running(t, stopping);

  t.sim.byHand.interruptSpot(id);
  await t.ec2.send(new RebootInstancesCommand({ InstanceIds: [id] }));
  await t.clock.advance(120_000);

  expect(await seen(t, id)).toMatchObject({
    State: { Name: 'stopping' },
    StateReason: { Code: 'Server.SpotInstanceShutdown' },
  });
});

test('one that was asked for once cannot be stopped', async () => {
  await using t = await startTestSim();
  const [id] = await running(t, spot);

  expect(await refusal(t.ec2.send(new StopInstancesCommand({ InstanceIds: [id] })))).toBe('UnsupportedOperation');
  expect(() => t.sim.byHand.interruptSpot('i-00000000000000000')).toThrow('No instance');
});

test('spot costs less than on demand, in the list and on the bill', async () => {
  await using t = await startTestSim();
  const { SpotPriceHistory } = await t.ec2.send(
    new DescribeSpotPriceHistoryCommand({ InstanceTypes: ['t3.medium'], ProductDescriptions: ['Linux/UNIX'] }),
  );
  const usd = Number(SpotPriceHistory![0]!.SpotPrice);

  const [id] = await running(t, spot);
  await t.clock.advance(3_600_000);

  expect(usd).toBeLessThan(0.0416);
  expect(t.sim.world.meter.costs(({ kind }) => kind === 'instance').byId.get(id)).toBeCloseTo(usd, 6);
});
