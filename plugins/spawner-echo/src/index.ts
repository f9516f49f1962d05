import { join } from 'node:path';
import { type Address, defineSpawner, type Observed, type Owned, SpawnFault } from '@atrium/sdk';
import { z } from 'zod';
import { maintain } from './maintain.ts';
import { EchoField, EchoProfile, formOf, profileOf } from './profiles.ts';
import { serveEcho } from './server.ts';
import { EchoStorage, storageDoor } from './storage.ts';
import { answerMachine } from './worker.ts';
import { EchoWorld } from './world.ts';

export { type EchoServer, serveEcho } from './server.ts';
export { EchoWorld } from './world.ts';

/** One pretended start. */
export type EchoRef = { server: string; generation: number };

/**
 * Starts nothing: one tiny server answers for everybody. For tests and for load. What it has "started" it forgets with
 * the hub's process, as servers that lived in it would be gone, too.
 */
export const echoSpawner = defineSpawner({
  id: 'echo',
  config: z.strictObject({
    url: z
      .url({ protocol: /^http$/ })
      .optional()
      .describe('An echo server that runs elsewhere, `http://127.0.0.1:9999`; without it, one in the hub answers.'),
    listen: z.enum(['unix', 'tcp']).default('unix').describe('Where the one in the hub listens.'),
    startMs: z.int().nonnegative().default(0).describe('How long a start pretends to take.'),
    failFor: z.array(z.string()).default([]).describe('User names whose servers fail to start.'),
    fields: z.array(EchoField).default([]).describe('What else is asked, where there are profiles.'),
    profiles: z.array(EchoProfile).default([]).describe('Kinds of server to choose from; they are all the same.'),
    machineKey: z
      .string()
      .optional()
      .describe('With it, a start waits for a pretended machine that calls the hub and knows this key.'),
    storage: EchoStorage.optional().describe('With it, people have pretended storage with snapshots.'),
    metered: z.boolean().default(false).describe('Reports what servers cost itself, by the minute of 60 s.'),
    upkeep: z.boolean().default(false).describe('Ends what no row of the hub wants.'),
    world: z.instanceof(EchoWorld).optional().describe('For tests: an outside world that outlives a hub.'),
  }),

  create(
    { url, listen, startMs, failFor, fields, profiles, machineKey, storage, metered, upkeep, world = new EchoWorld() },
    { hubId, runDir },
  ) {
    const [first, ...others] = profiles;
    const look = (ref: EchoRef, now: number): Promise<Observed> | Observed => {
      const started = world.get(hubId, ref);
      if (!started) return { phase: 'absent' };
      if (now < started.at + startMs)
        return { phase: 'starting', progress: [{ percent: 30, message: 'Pretending to start' }] };
      if (machineKey !== undefined && !started.machineReady) return { phase: 'pending' };
      return address().then((where) => ({ phase: 'running', address: where }));
    };
    const address = async (): Promise<Address> => {
      if (url) {
        const { hostname, port } = new URL(url);
        return { kind: 'tcp', host: hostname, port: Number(port || 80) };
      }
      const server = await world.server(() =>
        serveEcho(listen === 'unix' ? { path: join(runDir, 'echo.sock') } : { port: 0 }, () => world.running),
      );
      return server.address;
    };
    return {
      caps: {
        list: true,
        watch: false,
        resume: false,
        address: url || listen === 'tcp' ? 'tcp' : 'unix',
        limits: [],
        // Nobody's code runs here, so nobody can reach anybody.
        isolation: 'full',
        warnings: ['The echo spawner starts nothing: every server is one and the same page.'],
      },
      ...(upkeep && { maintain: (io) => maintain(io, world, hubId) }),
      ...(storage && {
        nameStorage: ({ name }) => `home-${name}`,
        storage: storageDoor(storage, world.disks),
        destroyStorage: async (name) => void world.disks.delete(name),
      }),
      resolve(user, options) {
        const profile = profileOf(profiles, options)?.id;
        return { user: user.name, ...(profile !== undefined && { profile }) };
      },
      identify: (server, generation): EchoRef => ({ server, generation }),
      async ensure(ref, spec, io) {
        const { user } = spec;
        if (failFor.includes(user))
          throw new SpawnFault({
            class: 'config',
            code: 'echo_failed',
            message: `Servers of ${user} fail, as configured.`,
          });
        world.start(hubId, ref, io.clock.now(), profileOf(profiles, spec)?.perHour ?? null);
        return look(ref, io.clock.now());
      },
      observe: async (ref, io) => look(ref, io.clock.now()),
      async stop(ref, _how, io) {
        world.stop(hubId, ref, io.clock.now());
        return { phase: 'absent' };
      },
      async destroy(ref, io) {
        world.stop(hubId, ref, io.clock.now());
      },
      async *list(io): AsyncIterable<Owned<EchoRef>> {
        for (const ref of world.all(hubId)) {
          yield {
            ref,
            hubId,
            serverId: ref.server,
            generation: ref.generation,
            observed: await look(ref, io.clock.now()),
          };
        }
      },
      logs: async () => [],
      ...(first && {
        form: (user) => formOf([first, ...others], fields, user),
        ending(spec) {
          const { stopAfter = null, maxAge = null } = profileOf(profiles, spec) ?? {};
          return { stopAfter, maxAge };
        },
        price: (spec) => ({ perHour: profileOf(profiles, spec)?.perHour ?? null }),
      }),
      ...(metered && {
        async *meters() {
          yield* world.meters(hubId);
        },
      }),
      ...(machineKey !== undefined && {
        worker: (request, io) => answerMachine(request, io, { key: machineKey, world, hubId }),
      }),
    };
  },
});
