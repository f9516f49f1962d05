import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Launch, parseConfig, runAgent } from '@atrium/agent';
import { type Ec2Sim, startEc2Sim } from '@atrium/ec2-sim';
import { manyRunner } from '../../../tools/ec2-sim/src/runner/many-runner.ts';
import { type DrivenClock, drivenClock } from './clock.ts';

/** Calls that change something: their answers are dropped, and hubs are killed over them. */
export const MUTATING = [
  'RunInstances',
  'StartInstances',
  'StopInstances',
  'RebootInstances',
  'TerminateInstances',
  'ModifyInstanceAttribute',
  'CreateVolume',
  'AttachVolume',
  'DetachVolume',
  'ModifyVolume',
  'DeleteVolume',
  'CreateSnapshot',
  'DeleteSnapshot',
  'CreateTags',
  'DeleteTags',
] as const;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A simulated region whose machines run the real agent and a tiny server, all in this process. */
export interface Region extends AsyncDisposable {
  sim: Ec2Sim;
  clock: DrivenClock;
  dir: string;
  /** The notebook server of this machine ends by itself, as after File → Shut down. */
  shutDown(instanceId: string): void;
  /** Folder of a volume's files. */
  folderOf(volumeId: string): string;
}

export async function startRegion(): Promise<Region> {
  const clock = drivenClock();
  const dir = mkdtempSync(join(tmpdir(), 'atrium-chaos-'));
  mkdirSync(join(dir, 'ec2'));
  const shutDowns = new Map<string, () => void>();
  const sim = await startEc2Sim({
    clock,
    dir: join(dir, 'ec2'),
    // Longer than a step of the clock, so that hubs meet it.
    delays: { consistencyMs: 5_000 },
    runner: manyRunner(
      (machine) => {
        const over = new AbortController();
        const given = JSON.parse(readFileSync(join(machine.rootDir, 'etc/atrium/agent.json'), 'utf8')) as object;
        const config = parseConfig({ ...given, imds: machine.imds });
        const launch: Launch = ({ env }) => {
          const server = tinyServer(env.JUPYTERHUB_SERVICE_URL!);
          shutDowns.set(machine.instanceId, () => server.stop());
          return server;
        };
        const life = runAgent(config, {
          clock,
          signal: over.signal,
          log: quiet,
          launch,
          powerOff: () => machine.powerOff(),
        }).catch((error: unknown) => machine.console(`agent: ${String(error)}`));
        return {
          async stop() {
            over.abort(new Error('switched off'));
            await life;
            shutDowns.delete(machine.instanceId);
          },
        };
      },
      { clock },
    ),
  });
  return {
    sim,
    clock,
    dir,
    shutDown: (instanceId) => shutDowns.get(instanceId)?.(),
    folderOf: (volumeId) => join(sim.world.dir, 'volumes', volumeId),
    async [Symbol.asyncDispose]() {
      clock.thaw();
      await sim[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Answers every request as a notebook server does that has no kernels. */
function tinyServer(url: string) {
  const { hostname, port } = new URL(url);
  const ended = Promise.withResolvers<{ code: number; log: string }>();
  const server = createServer((_, response) => response.end('[]'));
  server.on('error', (error) => ended.resolve({ code: 1, log: error.message })).listen(Number(port), hostname);
  return {
    ended: ended.promise,
    stop() {
      server.closeAllConnections();
      server.close(() => ended.resolve({ code: 0, log: '' }));
    },
  };
}

const FILE_SYSTEM = '.atrium-filesystem';
const WORK = 'work.txt';

/** What a person has in their home: which file system, and what they wrote there. */
export interface Belongings {
  volumeId: string;
  fileSystem: string;
  work: string;
}

/** Writes somebody's first file into their home. */
export function moveIn(region: Region, volumeId: string, work: string): Belongings {
  const folder = region.folderOf(volumeId);
  writeFileSync(join(folder, WORK), work);
  return { volumeId, fileSystem: readFileSync(join(folder, FILE_SYSTEM), 'utf8'), work };
}

/** What is in a volume now; undefined parts are gone. */
export function lookInto(region: Region, volumeId: string): Partial<Belongings> {
  const read = (name: string) => {
    const file = join(region.folderOf(volumeId), name);
    return existsSync(file) ? { text: readFileSync(file, 'utf8') } : undefined;
  };
  const [work, fileSystem] = [read(WORK)?.text, read(FILE_SYSTEM)?.text];
  return { volumeId, ...(work !== undefined && { work }), ...(fileSystem !== undefined && { fileSystem }) };
}
