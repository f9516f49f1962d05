import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { HelperClient, Spawner } from '@atrium/sdk';
import { memoryLog, memoryStore, type SpawnerWorld, testIo } from '@atrium/sdk/testing';
import { killCgroups, removeCgroups } from './cgroups.ts';
import { processHelper } from './helper.ts';
import { processSpawner } from './index.ts';
import { launchDir, type Place, readMeta } from './layout.ts';
import { launches } from './look.ts';
import { signal, withEnvironment } from './processes.ts';

type Options = Parameters<typeof processSpawner>[0];

/** The smallest server that keeps the contract with a command of one's own: listens on $ATRIUM_SOCKET, ends when asked. */
export const TINY_SERVER = `
  const server = require('node:http').createServer((request, response) => response.end(process.env.JUPYTERHUB_USER));
  process.on('SIGTERM', () => process.exit(0));
  server.listen(process.env.ATRIUM_SOCKET);
`;

/** A data directory and a run directory of their own, on this machine's real processes. */
export interface ProcessWorld extends SpawnerWorld {
  readonly place: Place;
}

export async function processWorld(options: Options = {}): Promise<ProcessWorld> {
  // Directly below /tmp whatever TMPDIR says: socket paths must be short.
  const dir = await mkdtemp('/tmp/atrium-t-');
  // Without namespaces, an account of its own must be able to walk there.
  await chmod(dir, 0o755);
  const place: Place = {
    hubId: 'kithub',
    dataDir: join(dir, 'data'),
    runDir: join(dir, 'run'),
    hubUid: process.getuid!(),
    hubGid: process.getgid!(),
  };
  await Promise.all([mkdir(place.dataDir), mkdir(place.runDir)]);
  const hubs = new Set<string>();
  return {
    place,
    async open({ hubId, store, guard }): Promise<Spawner> {
      hubs.add(hubId);
      const configured = processSpawner({
        command: [process.execPath, '-e', TINY_SERVER],
        readOnlyPaths: [dirname(dirname(process.execPath))],
        ...options,
      });
      return configured.create(configured.config.parse(configured.options), {
        hubId,
        dataDir: place.dataDir,
        runDir: place.runDir,
        clock: testIo().clock,
        log: memoryLog(),
        store,
        helper: guard(helperFor({ ...place, hubId })),
      });
    },
    living: async (server, generation, hubId) =>
      (await withEnvironment(`ATRIUM_LAUNCH=${hubId}/${server}.${generation}`)).length,
    async [Symbol.asyncDispose]() {
      for (const ref of await launches(place)) {
        const meta = await readMeta(launchDir(place, ref)).catch(() => undefined);
        await killCgroups(meta?.cgroups ?? []);
        for (const hubId of hubs) {
          for (const pid of await withEnvironment(`ATRIUM_LAUNCH=${hubId}/${ref.server}.${ref.generation}`))
            signal(pid, 'SIGKILL');
        }
        await removeCgroups(meta?.cgroups ?? []);
      }
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The verbs as the hub calls them, without a process in between. */
export function helperFor(place: Place): HelperClient {
  return {
    async call(name, input) {
      const verb = processHelper.verbs[name]!;
      return structuredClone(await verb.run(verb.input.parse(structuredClone(input)) as never, place));
    },
  };
}

/** Opens a plug-in on a world as the kit's hub does. */
export const openOn = (world: ProcessWorld) =>
  world.open({ hubId: world.place.hubId, store: memoryStore(), guard: (door) => door });
