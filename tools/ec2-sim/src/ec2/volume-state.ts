import { dropFiles } from '../machines.ts';
import { HOURS_PER_MONTH } from '../meter.ts';
import type { SimCore } from '../sim.ts';
import type { SimVolume } from '../world.ts';
import { STORAGE_USD } from './instance-types.ts';

/** Bills a volume by its size and type as they are now. */
export function meterVolume(core: SimCore, volume: SimVolume): void {
  const perGb = STORAGE_USD[volume.type] ?? 0;
  core.world.meter.start('volume', volume, (volume.sizeGb * perGb) / HOURS_PER_MONTH);
}

/** Cuts the tie between a volume and its instance; the volume is available again. */
export function releaseVolume(core: SimCore, volume: SimVolume): void {
  const { attachment } = volume;
  if (!attachment) return;
  const instance = core.world.instances.get(attachment.instanceId);
  if (instance?.devices.get(attachment.device) === volume.id) instance.devices.delete(attachment.device);
  delete volume.attachment;
  volume.state = 'available';
}

/** Removes a volume and its files. */
export function deleteVolumeNow(core: SimCore, volume: SimVolume): void {
  volume.state = 'deleting';
  core.world.meter.stop('volume', volume.id);
  core.world.volumes.delete(volume.id);
  dropFiles(core, volume.id);
}
