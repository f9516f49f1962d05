import type { Observed } from '@atrium/sdk';
import { change, type Start, told } from './parts.ts';

/**
 * A running machine whose agent says nothing: after its deadline it is rebooted, then stopped by force and started, then
 * replaced. Undefined while there is still time. A single failed probe is never a reason.
 */
export async function cureStep(start: Start): Promise<Observed | undefined> {
  const { world, io, record } = start;
  const { agent } = world.config;
  if (record.runningAt === null || record.instanceId === null) return undefined;
  const installs = !agent.baked && record.cures === 0 && record.startedAt >= record.curedAt;
  const deadline = (installs ? agent.installSeconds : agent.deadlineSeconds) * 1000;
  const since = Math.max(record.runningAt, record.curedAt);
  if (world.clock.now() - since < deadline) return undefined;

  const facts = { server: record.server, instance: record.instanceId, cures: record.cures };
  const output = await world.ec2.getConsoleOutput(record.instanceId, { signal: io.signal }).catch(() => '');
  world.log.warn({ ...facts, console: output.slice(-2000) }, 'the agent of a running instance is silent');
  // Saved first: a hub that dies here does not begin the cures anew.
  await change(start, { cures: record.cures + 1, curedAt: world.clock.now() });
  // A spot machine cannot be switched off and on.
  switch (record.market === 'spot' && record.cures === 1 ? 2 : record.cures) {
    case 0:
      await world.ec2.rebootInstances([record.instanceId], { signal: io.signal });
      return told(start, 'starting', 20, 'Your machine says nothing; it is rebooted');
    case 1:
      await world.ec2.stopInstance(record.instanceId, { hibernate: false, force: true }, { signal: io.signal });
      world.instances.stale(record.instanceId);
      return told(start, 'stopping', 20, 'Your machine still says nothing; it is switched off and on');
    default:
      await world.ec2.terminateInstances([record.instanceId], { signal: io.signal });
      world.instances.stale(record.instanceId);
      await change(start, { deaths: record.deaths + 1, attached: false });
      return told(start, 'pending', 5, 'Your machine does not come up; another takes its place, with the same home');
  }
}
