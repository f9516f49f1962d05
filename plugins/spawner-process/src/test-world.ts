import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type {
  Address,
  HelperClient,
  Json,
  Observed,
  ObservedPhase,
  ServerIo,
  Spawner,
  SpawnUser,
  WarmTemplate,
} from '@atrium/sdk';
import { memoryLog, memoryStore, type SpawnerWorld, type TestHub, testIo, testServerIo } from '@atrium/sdk/testing';
import { remove } from './control.ts';
import { closeWarmStarts, processHelper } from './helper.ts';
import { processSpawner } from './index.ts';
import { launchDir, type Place, readMeta } from './layout.ts';
import { launches } from './look.ts';
import { withEnvironment } from './processes.ts';
import { nameStorage } from './storage.ts';

const LIFE_MS = 30_000;
const TEMPLATE_MS = 60_000;
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

/** The same as a Python program, which can be loaded before: a notebook server by its name and options only. */
const TINY_PYTHON = `import json
import os
import random
import signal
import socketserver
import sys
import uuid
from http.server import BaseHTTPRequestHandler


class Handler(BaseHTTPRequestHandler):
    def address_string(self):
        return "somebody"

    def log_message(self, *args):
        pass

    def do_GET(self):
        facts = {
            "user": os.environ["JUPYTERHUB_USER"],
            "argv": sys.argv,
            "environ": dict(os.environ),
            "random": [random.random(), str(uuid.uuid4()), os.urandom(8).hex()],
            "uid": os.getuid(),
            "cwd": os.getcwd(),
        }
        body = (json.dumps(facts) if self.path.endswith("/facts") else facts["user"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server = socketserver.ThreadingUnixStreamServer(os.environ["ATRIUM_SOCKET"], Handler)
    os.chmod(os.environ["ATRIUM_SOCKET"], 0o660)
    server.serve_forever()
`;

/** A data directory and a run directory of their own, on this machine's real processes. */
export interface ProcessWorld extends SpawnerWorld {
  open(hub: TestHub, options?: Options): Promise<Spawner>;
  readonly place: Place;
}

/** A world whose servers are forked from a template: it is ready as soon as a hub is. */
export async function warmWorld(options: Options = {}): Promise<ProcessWorld & { readonly script: string }> {
  const world = await processWorld();
  const tools = join(dirname(world.place.dataDir), 'tools');
  const script = join(tools, 'jupyter-tiny');
  // The machine's own, which every account reaches; else what there is.
  const python = execFileSync('sh', ['-c', 'PATH=/usr/bin:$PATH exec python3 -c "import sys; print(sys.executable)"'], {
    encoding: 'utf8',
  }).trim();
  await mkdir(tools);
  await chmod(tools, 0o755);
  await writeFile(script, `#!${python}\n${TINY_PYTHON}`);
  await chmod(script, 0o755);
  const open = world.open;
  return Object.assign(world, {
    script,
    async open(hub: TestHub, more: Options = {}) {
      const own = { command: [script] as [string], readOnlyPaths: [tools], python: dirname(dirname(python)) };
      const spawner = await open.call(world, hub, { ...own, ...options, ...more });
      await untilReady(spawner);
      return spawner;
    },
  });
}

/** Waits until a start would be warm. */
export async function untilReady(spawner: Spawner): Promise<WarmTemplate> {
  for (const end = Date.now() + TEMPLATE_MS; ; await new Promise((resolve) => setTimeout(resolve, 30))) {
    const report = await spawner.warm?.();
    const [template] = report?.templates ?? [];
    if (template?.state === 'ready') return template;
    const hopeless = template?.state === 'unsafe' || template?.state === 'failed';
    if (Date.now() > end || hopeless) throw new Error(`No template: ${JSON.stringify(report)}`);
  }
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
      closeWarmStarts(place.dataDir);
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

/** What a server answers on its Unix socket. Rejects while nobody listens there. */
export function ask(address: Address, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    if (address.kind !== 'unix') throw new Error('a socket');
    request({ socketPath: address.path, path, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve(body));
    })
      .on('error', reject)
      .end();
  });
}
