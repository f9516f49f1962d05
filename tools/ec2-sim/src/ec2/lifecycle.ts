import { boot, halt } from '../machines.ts';
import type { SimCore } from '../sim.ts';
import type { SimInstance, StateName } from '../world.ts';
import { ADDRESS_USD_PER_HOUR, SPOT_SHARE, typeFacts } from './instance-types.ts';
import { deleteVolumeNow, releaseVolume } from './volume-state.ts';

/** Codes that EC2 gives with the names of states. */
export const STATE_CODES: Readonly<Record<StateName, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

type Reason = { code: string; message: string };

/** From `pending` on: running after the delay, or terminated when AWS has no machine for it after all. */
export function power(core: SimCore, instance: SimInstance): void {
  const { world } = core;
  enter(instance, 'pending');
  delete instance.stateReason;
  instance.transitionReason = '';
  instance.launchedAt = world.clock.now();
  if (instance.assignPublicIp && !instance.publicIp) givePublicIp(core, instance);
  const { type, zone, market } = instance;
  const fate = world.capacity.fate({ type, zone, market });
  later(core, instance, world.delays.pendingMs, () => {
    if (fate)
      return endLaunch(core, instance, { code: fate, message: `${fate}: the launch ended right after pending` });
    enter(instance, 'running');
    const resumes = instance.hibernated;
    instance.hibernated = false;
    instance.impaired = false;
    const usd = (typeFacts(type)?.usd ?? 0) * (market === 'spot' ? SPOT_SHARE : 1);
    world.meter.start('instance', instance, usd, 60_000);
    track(core, boot(core, instance, resumes));
  });
}

function endLaunch(core: SimCore, instance: SimInstance, reason: Reason): void {
  instance.stateReason = reason;
  if (instance.boots > 0) {
    // A stopped instance that could not be started again goes back to where it was.
    enter(instance, 'stopped');
    releasePublicIp(core, instance);
  } else finishTermination(core, instance);
}

/** Stops; `force` does not wait for what runs inside, nor begins a stop anew that is under way. */
export function stop(
  core: SimCore,
  instance: SimInstance,
  how: { force?: boolean; hibernate?: boolean; reason: Reason },
): void {
  if (instance.state !== 'stopping') {
    enter(instance, 'stopping');
    instance.stateReason = how.reason;
    instance.transitionReason = transition(core, how.reason);
    delete instance.interruptAt;
    core.world.meter.stop('instance', instance.id);
  }
  instance.hibernated = how.hibernate ?? false;
  const halted = halt(core, instance, how.force ? 'force' : how.hibernate ? 'hibernate' : 'stop');
  track(core, halted);
  later(core, instance, core.world.delays.stoppingMs, () => {
    track(
      core,
      halted.then(() => settleStopped(core, instance)),
    );
  });
}

/** Ends what runs and boots again; the instance stays `running` for everybody outside. */
export function reboot(core: SimCore, instance: SimInstance): void {
  instance.turn += 1;
  const halted = halt(core, instance, 'stop');
  track(core, halted);
  later(core, instance, core.world.delays.pendingMs, () => {
    instance.impaired = false;
    track(
      core,
      halted.then(() => boot(core, instance)),
    );
  });
}

function settleStopped(core: SimCore, instance: SimInstance): void {
  if (instance.state !== 'stopping') return;
  enter(instance, 'stopped');
  releasePublicIp(core, instance);
}

export function terminate(core: SimCore, instance: SimInstance, reason: Reason): void {
  if (instance.state === 'shutting-down' || instance.state === 'terminated') return;
  const wasRunning = instance.state === 'running' || instance.state === 'stopping' || instance.hibernated;
  enter(instance, 'shutting-down');
  instance.stateReason = reason;
  instance.transitionReason = transition(core, reason);
  delete instance.interruptAt;
  core.world.meter.stop('instance', instance.id);
  const halted = wasRunning ? halt(core, instance, 'terminate') : Promise.resolve();
  track(core, halted);
  later(core, instance, core.world.delays.terminatingMs, () => {
    track(
      core,
      halted.then(() => finishTermination(core, instance)),
    );
  });
}

function finishTermination(core: SimCore, instance: SimInstance): void {
  if (instance.state === 'terminated') return;
  const { world } = core;
  enter(instance, 'terminated');
  instance.terminatedAt = world.clock.now();
  world.meter.stop('instance', instance.id);
  releasePublicIp(core, instance);
  for (const volumeId of instance.devices.values()) {
    const volume = world.volumes.get(volumeId);
    if (!volume?.attachment) continue;
    const gone = volume.attachment.deleteOnTermination;
    releaseVolume(core, volume);
    if (gone) deleteVolumeNow(core, volume);
  }
  instance.devices.clear();
  lingerInterfaces(core, instance);
  // Tags drop off half-way through the hour for which a terminated instance is still shown.
  world.clock.after(world.delays.terminatedVisibleMs / 2, () => instance.tags.clear());
  world.clock.after(world.delays.terminatedVisibleMs, () => world.instances.delete(instance.id));
}

/** The interfaces of a terminated instance go on holding its subnet and groups for a while. */
function lingerInterfaces(core: SimCore, instance: SimInstance): void {
  const { world } = core;
  for (const id of instance.interfaceIds) {
    const eni = world.interfaces.get(id);
    if (!eni) continue;
    if (eni.deleteOnTermination) {
      eni.status = 'detaching';
      world.clock.after(world.delays.eniLingerMs, () => world.interfaces.delete(id));
    } else {
      eni.status = 'available';
      delete eni.instanceId;
      delete eni.attachmentId;
    }
  }
}

/** Somebody inside said `poweroff`. */
export function shutDownFromInside(core: SimCore, instance: SimInstance): void {
  if (instance.state !== 'running') return;
  const reason = {
    code: 'Client.InstanceInitiatedShutdown',
    message: 'Client.InstanceInitiatedShutdown: Instance initiated shutdown',
  };
  if (instance.onShutdown === 'terminate') terminate(core, instance, reason);
  else stop(core, instance, { reason });
}

/** Gives a spot instance its two minutes; the metadata service shows the notice meanwhile. */
export function interrupt(core: SimCore, instance: SimInstance): void {
  if (instance.market !== 'spot' || instance.state !== 'running') return;
  const { clock, delays } = core.world;
  const at = clock.now() + delays.spotNoticeMs;
  instance.interruptAt = at;
  clock.after(delays.spotNoticeMs, () => {
    // Ended or stopped by itself meanwhile; a reboot does not count.
    if (instance.interruptAt !== at) return;
    if (instance.onInterruption === 'terminate') {
      terminate(core, instance, {
        code: 'Server.SpotInstanceTermination',
        message: 'Server.SpotInstanceTermination: Spot instance termination',
      });
    } else {
      const reason = {
        code: 'Server.SpotInstanceShutdown',
        message: 'Server.SpotInstanceShutdown: Spot instance shutdown',
      };
      stop(core, instance, { reason, hibernate: instance.onInterruption === 'hibernate' });
    }
  });
}

function enter(instance: SimInstance, state: StateName): void {
  instance.state = state;
  instance.turn += 1;
}

/** A step that is void when something else happened to the instance first. */
function later(core: SimCore, instance: SimInstance, ms: number, task: () => void): void {
  const { turn } = instance;
  core.clock.after(ms, () => {
    if (instance.turn === turn) task();
  });
}

function track(core: SimCore, work: Promise<void>): void {
  core.background.add(work);
  void work.finally(() => core.background.delete(work));
}

function transition(core: SimCore, { code }: Reason): string {
  const who =
    code === 'Client.UserInitiatedShutdown'
      ? 'User initiated'
      : code === 'Client.InstanceInitiatedShutdown'
        ? ''
        : 'Service initiated';
  return who && `${who} (${new Date(core.clock.now()).toISOString().slice(0, 19).replace('T', ' ')} GMT)`;
}

function givePublicIp(core: SimCore, instance: SimInstance): void {
  instance.publicIp = newPublicIp(core);
  core.world.meter.start('address', instance, ADDRESS_USD_PER_HOUR);
}

/** An address of the documentation and benchmark ranges: nobody's. */
export function newPublicIp(core: SimCore): string {
  const n = core.world.nextSeq++;
  return `198.${18 + ((n >> 16) & 1)}.${(n >> 8) & 255}.${n & 255}`;
}

function releasePublicIp(core: SimCore, instance: SimInstance): void {
  if (!instance.assignPublicIp) return;
  delete instance.publicIp;
  core.world.meter.stop('address', instance.id);
}
