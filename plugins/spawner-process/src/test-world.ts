import { chmod, mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { HelperClient, Json, Observed, ObservedPhase, ServerIo, Spawner, SpawnUser } from '@atrium/sdk';
import { memoryLog, memoryStore, type SpawnerWorld, type TestHub, testIo, testServerIo } from '@atrium/sdk/testing';
import { remove } from './control.ts';
import { processHelper } from './helper.ts';
import { processSpawner } from './index.ts';
import { launchDir, type Place, readMeta } from './layout.ts';
import { launches } from './look.ts';
import { withEnvironment } from './processes.ts';
import { nameStorage } from './storage.ts';

const LIFE_MS = 30_000;
let generations = 100;
/** No two scripts of one test file share a launch folder. */
const nextGeneration = () => {
  generations += 1;
  return generations;
};

type Options = Parameters<typeof processSpawner>[0];

/** The smallest server that keeps the contract with a command of one's own: listens on $ATRIUM_SOCKET, ends when asked. */
export const TINY_SERVER = `
  const server = require('node:http').createServer((request, response) => response.end(process.env.JUPYTERHUB_USER));
  process.on('SIGTERM', () => process.exit(0));
  server.listen(process.env.ATRIUM_SOCKET);
`;

/** A data directory and a run directory of their own, on this machine's real processes. */
export interface ProcessWorld extends SpawnerWorld {
  open(hub: TestHub, options?: Options): Promise<Spawner>;
  readonly place: Place;
}

/** `linked`: the data directory is a link to another one. */
export async function processWorld(options: Options = {}, data: 'plain' | 'linked' = 'plain'): Promise<ProcessWorld> {
  // As the hub's process has it: what servers must read is opened to them on purpose.
  process.umask(0o077);
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
  await Promise.all([place.dataDir, place.runDir].map(async (path) => mkdir(path).then(() => chmod(path, 0o711))));
  if (data === 'linked') {
    // Not below /tmp, which is hidden anyway.
    const real = await mkdtemp(join(place.hubUid === 0 ? '/var/lib' : homedir(), 'atrium-t-'));
    await rm(place.dataDir, { recursive: true });
    await symlink(real, place.dataDir);
  }
  return {
    place,
    async open({ hubId, store, guard }, more = {}): Promise<Spawner> {
      const configured = processSpawner({
        command: [process.execPath, '-e', TINY_SERVER],
        readOnlyPaths: [dirname(dirname(process.execPath))],
        ...options,
        ...more,
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
        await remove({ ...place, hubId: meta?.hubId ?? place.hubId }, ref);
      }
      await rm(await realpath(place.dataDir), { recursive: true, force: true });
      // A keeper may just be writing down how its server ended.
      await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
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
export const openOn = (world: ProcessWorld, options: Options = {}) =>
  world.open({ hubId: world.place.hubId, store: memoryStore(), guard: (door) => door }, options);

/** A person with an account number of their own. */
export function person(name: string, uid: number): SpawnUser {
  const user = { name, admin: false, groups: [], uid };
  return { ...user, storage: nameStorage(user) };
}

export const ada = person('ada', 1_900_001_001);
export const bob = person('bob', 1_900_001_002);

/** One start of one person's server, in the hub that the world's `openOn` gave. */
export interface Life {
  ref: Json;
  io: ServerIo;
  observe(): Promise<Observed>;
  /** Steps until it is in one of these phases. */
  until(...phases: ObservedPhase[]): Promise<Observed>;
  output(): Promise<string>;
}

export async function begin(spawner: Spawner, user: SpawnUser, generation = 1): Promise<Life> {
  const id = `srv${user.uid}`;
  const ref = spawner.identify(id, generation);
  const io = testServerIo({ id, generation, user: user.name });
  await spawner.ensure(ref, spawner.resolve(user, {}), io);
  const observe = () => spawner.observe(ref, io);
  return {
    ref,
    io,
    observe,
    async until(...phases) {
      for (const end = Date.now() + LIFE_MS; ; await new Promise((resolve) => setTimeout(resolve, 15))) {
        const seen = await observe();
        if (phases.includes(seen.phase)) return seen;
        if (Date.now() > end) throw new Error(`Not ${phases.join(' or ')} in time: ${JSON.stringify(seen)}`);
      }
    },
    output: async () => ((await spawner.logs?.(ref, 10_000, io)) ?? []).join('\n'),
  };
}

/** Runs a shell script as somebody's server until it ends, and gives what it wrote and how it was seen to end. */
export async function runScript(world: ProcessWorld, script: string, options: Options = {}, user = ada) {
  const spawner = await openOn(world, { ...options, command: ['/bin/sh', '-c', script] });
  const life = await begin(spawner, user, nextGeneration());
  const seen = await life.until('exited');
  const output = await life.output();
  await spawner.destroy(life.ref, life.io);
  return { seen, output };
}
