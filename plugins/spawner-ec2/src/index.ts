import { defineSpawner, type PluginContext, type Spawner } from '@atrium/sdk';
import { openEc2 } from './calls/index.ts';
import type { Ec2Calls } from './calls/types.ts';
import { Ec2Config } from './config.ts';
import { destroyHome, storageDoor, within } from './homes/index.ts';
import { imageFinder } from './images.ts';
import { instanceCache } from './instance-cache.ts';
import { capacityMemory } from './ladder.ts';
import { maintain } from './maintain/index.ts';
import { meters } from './meters/index.ts';
import { list, observe } from './observe.ts';
import { priceOf } from './prices.ts';
import { form, nameStorage, resolve } from './profiles.ts';
import { progressBook } from './progress.ts';
import { ownRecord } from './records.ts';
import type { Ec2Ref, Ec2Spec } from './spec.ts';
import { ensure } from './start/index.ts';
import { destroy, stop } from './stop.ts';
import { tellTroubles } from './troubles.ts';
import { userData } from './user-data.ts';
import { workerDoor } from './worker/index.ts';
import type { Ec2World } from './world.ts';

/** Gives each person an EC2 instance of their own, started when they come and stopped when they leave, with a home that stays. */
export const ec2Spawner = defineSpawner({
  id: 'ec2',
  config: Ec2Config,
  create: createEc2Spawner,
});

/** Puts the parts together. No call to EC2 is made. @throws Error when no region is known. */
export async function openWorld(
  config: Ec2Config,
  context: Pick<PluginContext, 'clock' | 'log' | 'store' | 'hubId'>,
  through: (ec2: Ec2Calls) => Ec2Calls = (ec2) => ec2,
): Promise<Ec2World> {
  const { clock, log, store, hubId } = context;
  const { ec2: plain, region } = await openEc2(config, clock);
  const ec2 = through(plain);
  return {
    // The region that is in force, wherever it was said: prices and identities are of one region.
    config: { ...config, region },
    ec2,
    clock,
    log,
    store,
    hubId,
    cluster: { name: config.cluster.name, id: config.cluster.id ?? hubId },
    instances: instanceCache(ec2, clock),
    images: imageFinder(ec2, clock),
    capacity: capacityMemory(clock),
  };
}

async function createEc2Spawner(config: Ec2Config, context: PluginContext): Promise<Spawner<Ec2Spec, Ec2Ref>> {
  return spawnerOf(await openWorld(config, context));
}

/** The spawner on a world that is put together. */
export function spawnerOf(world: Ec2World): Spawner<Ec2Spec, Ec2Ref> {
  const { config } = world;
  const book = progressBook();
  // A cloud-config that is too long is told at the start of the hub, not to the first person.
  userData(world);
  return {
    caps: {
      list: true,
      watch: false,
      resume: true,
      address: 'tcp',
      limits: ['memory', 'cpu', 'disk'],
      isolation: 'full',
      sharedHome: false,
      warnings: config.profiles
        .filter(({ studentRoot }) => studentRoot)
        .map(
          ({ title }) => `“${title}” lets people become root on their machine: they can read their own server's token.`,
        ),
    },
    nameStorage,
    resolve: (user, options) => resolve(config, user, options),
    identify: (server, generation) => ({ server, generation }),
    form: (user) => form(config, user),
    price: ({ types, market, price }) => priceOf(config, { type: types[0]!, market, stated: price }),
    ending: ({ idleMinutes, maxSessionHours }) => ({
      stopAfter: idleMinutes === null ? null : idleMinutes * 60,
      maxAge: maxSessionHours === null ? null : maxSessionHours * 3600,
    }),
    ensure: (ref, spec, io) => ensure(world, book, ref, spec, io),
    observe: (ref, io) => observe(world, ref, io),
    stop: (ref, how, io) => stop(world, ref, how, io),
    destroy: (ref, io) => destroy(world, book, ref, io),
    list: (io) => list(world, io),
    async logs(ref, lines, io) {
      const record = await ownRecord(io.store, world.cluster.id, ref.server);
      if (!record?.instanceId) return [];
      const text = await world.ec2.getConsoleOutput(record.instanceId, { signal: io.signal }).catch(() => '');
      return text === '' ? [] : text.replace(/\n$/, '').split('\n').slice(-lines);
    },
    destroyStorage: (storage, io) => destroyHome(within(world, io), storage, io.signal),
    storage: storageDoor(world),
    maintain: async (io) => [...(await maintain(world, io)), ...(await tellTroubles(world, io))],
    meters: (io) => meters(world, io),
    worker: workerDoor(world),
  };
}
