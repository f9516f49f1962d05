import type { Fault, Observed } from '@atrium/sdk';
import type { Ec2Instance } from '../calls/types.ts';
import { attachHome } from '../homes/attach-home.ts';
import { ensureHome } from '../homes/ensure-home.ts';
import { readSession } from '../worker/session.ts';
import { cureStep } from './cure.ts';
import { change, PACE, type Start, told } from './parts.ts';

/** One step of a start whose machine comes up or runs: attach the home, and wait until its agent has a server. */
export async function waitStep(start: Start, seen: Ec2Instance): Promise<Observed> {
  const { world, io, record } = start;
  // It ran for an earlier start, and holds that start's token.
  if (record.stale) {
    if (seen.state === 'running') {
      if (seen.market === 'spot') await world.ec2.terminateInstances([seen.id], { signal: io.signal });
      else await world.ec2.stopInstance(seen.id, { hibernate: false, force: false }, { signal: io.signal });
      world.instances.stale(seen.id);
    }
    return told(start, 'stopping', 5, 'Your machine is restarted');
  }
  const session = await readSession(io.store, record.server);
  const mine = session?.generation === record.generation && session.instanceId === seen.id ? session : undefined;
  if (mine?.fault) return { phase: 'failed', fault: { ...mine.fault, class: classOf(mine.fault.class) } };
  if (mine?.ready) {
    return {
      phase: 'running',
      address: { kind: 'tcp', host: mine.host, port: mine.port },
      progress: start.book.soFar(record.server, record.generation),
    };
  }
  if (seen.state === 'running' && record.runningAt === null) {
    await change(start, { runningAt: world.clock.now(), privateIp: seen.privateIp ?? null });
  }
  const home = await homeOf(start, seen);
  if (home !== 'attached') return home;
  if (seen.state === 'pending') return told(start, 'starting', 15, 'Your machine is booting', PACE.boots);
  // The agent's own steps are told by itself.
  if (mine) {
    return {
      phase: 'starting',
      progress: start.book.soFar(record.server, record.generation),
      againMs: PACE.agent,
    };
  }
  const cure = await cureStep(start);
  return cure ?? told(start, 'starting', 40, 'Your machine runs; waiting for its first word', PACE.agent);
}

/** The home in the machine's zone, made and attached. */
export async function homeOf(start: Start, seen: Ec2Instance): Promise<Observed | 'attached'> {
  const { world, spec, io } = start;
  if (start.record.attached) return 'attached';
  const want = { storage: spec.storage, user: spec.user, zone: seen.zone, sizeGb: spec.homeGb };
  const home = await ensureHome(world, want, io.signal);
  if (home.state !== 'ready') return told(start, 'starting', Math.max(home.percent, 15), home.message);
  if (seen.state !== 'running') return told(start, 'starting', 15, 'Your machine is booting', PACE.boots);
  const { volumeId } = home;
  const state = await attachHome(world, { storage: spec.storage, volumeId, instanceId: seen.id }, io.signal);
  if (state !== 'attached') return told(start, 'starting', 30, 'Connecting your home disk');
  await change(start, { homeVolume: volumeId, attached: true });
  return 'attached';
}

const CLASSES: readonly Fault['class'][] = ['user', 'config', 'capacity', 'image', 'quota', 'lost', 'transient'];
const classOf = (text: string): Fault['class'] => CLASSES.find((one) => one === text) ?? 'transient';
