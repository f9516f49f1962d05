import { access } from 'node:fs/promises';
import { join } from 'node:path';
import {
  defineSpawner,
  type HelperClient,
  type Io,
  type Owned,
  type PluginContext,
  type Spawner,
  SpawnFault,
  type WarmTemplate,
} from '@atrium/sdk';
import { gate, mapLimited } from './concurrency.ts';
import { ProcessConfig } from './config.ts';
import { commandLine, commonEnvironment, isSingleUser, serverEnvironment } from './environment.ts';
import { processHelper } from './helper.ts';
import { homesDir, type Place, type ProcessRef, socketPathExcess } from './layout.ts';
import { readTail } from './logs.ts';
import { type Facts, launches, look } from './look.ts';
import { Machine, seesOtherProcesses } from './machine.ts';
import { toObserved } from './observed.ts';
import { nameStorage } from './storage.ts';
import { createTally } from './tally.ts';
import { usageOf } from './usage.ts';
import type { Started } from './warm.ts';
import { isolationOf, warningsOf } from './warnings.ts';

/** One start, frozen. */
export type ProcessSpec = { uid: number; user: string; storage: string; command: string[] };

/** Launch folders read at the same time: enough to be quick, few enough to leave file handles to others. */
const LOOK_AT_ONCE = 32;
/** Making a process blocks the event loop for some milliseconds; between a few of them it must get to turn. */
const LAUNCH_AT_ONCE = 3;
const REMOVE_AT_ONCE = 8;
const LOG_BYTES = 1024 * 1024;

/**
 * Runs each server as a process of this machine, found again after any crash of the hub, and kept apart from others as
 * far as the machine allows.
 */
export const processSpawner = defineSpawner({
  id: 'process',
  config: ProcessConfig,
  create: (config, context) => createProcessSpawner(config, context),
});

async function createProcessSpawner(
  config: ProcessConfig,
  context: PluginContext,
): Promise<Spawner<ProcessSpec, ProcessRef>> {
  const place: Place = {
    hubId: context.hubId,
    dataDir: context.dataDir,
    runDir: context.runDir,
    hubUid: process.getuid?.() ?? 0,
    hubGid: process.getgid?.() ?? 0,
  };
  const helper = context.helper ?? inProcess(place);
  const python = config.python ?? join(context.dataDir, 'python');
  const command = config.command ?? [await defaultCommand(python)];
  if (config.address === 'tcp' && isSingleUser(command)) {
    throw new Error(
      `spawner-process: ${command[0]} listens on a Unix socket; address 'tcp' is for a command that cannot.`,
    );
  }
  const machine = Machine.parse(await helper.call('probe', { isolation: config.isolation }));
  const limits = {
    ...(machine.limits.includes('memory') ? { memoryMb: config.limits.memoryMb } : {}),
    ...(machine.limits.includes('cpu') ? { cpus: config.limits.cpus } : {}),
    ...(machine.limits.includes('tasks') ? { tasks: config.limits.tasks } : {}),
  };
  const shared = { mode: machine.mode, python, notebookDir: config.notebookDir };
  /** What a template has to know to give such starts; null for cold ones. */
  const basisFor = (command: readonly string[]) => ({
    ...{
      mode: machine.mode,
      address: config.address,
      python,
      readOnlyPaths: config.readOnlyPaths,
      tmpMb: config.tmpMb,
    },
    // A command of one's own makes its socket with the usual mode: the group, which is the hub's, must get in.
    umask: config.address === 'unix' && !isSingleUser(command) ? ('007' as const) : ('022' as const),
    warm:
      config.start === 'cold'
        ? null
        : { command: [...command], environment: commonEnvironment({ ...config, ...shared, command }) },
  });
  const tally = createTally(config, context.clock);
  if (config.start === 'warm') {
    helper.call('warmUp', basisFor(command)).catch((error: unknown) => {
      context.log.warn({ err: error }, 'the template for warm starts could not be asked for');
    });
  }
  const launchTurn = gate(LAUNCH_AT_ONCE);
  const removeTurn = gate(REMOVE_AT_ONCE);
  const remoteEyes = !(await seesOtherProcesses());

  const lookAt = async (refs: ProcessRef[]): Promise<(Facts | undefined)[]> => {
    if (!remoteEyes) return mapLimited(refs, LOOK_AT_ONCE, (ref) => look(place, ref));
    const found = (await helper.call('observe', { refs })) as (Facts | null)[];
    return found.map((facts) => facts ?? undefined);
  };
  /** Looks, has done what is due in one message for all, and looks again at those. */
  const see = async (refs: ProcessRef[], io: Io) => {
    const seen = await lookAt(refs);
    const due = refs.filter((_, at) => seen[at]?.due);
    if (due.length > 0) {
      await helper.call('tend', { refs: due, now: io.clock.now() });
      const again = await lookAt(due);
      for (const [at, ref] of due.entries()) seen[refs.indexOf(ref)] = again[at];
    }
    return mapLimited(refs, LOOK_AT_ONCE, async (ref, at) => ({
      facts: seen[at],
      observed: await toObserved(place, ref, seen[at]),
    }));
  };
  const observe = async (ref: ProcessRef, io: Io) => (await see([ref], io))[0]!.observed;

  return {
    caps: {
      list: true,
      watch: false,
      resume: false,
      address: config.address,
      limits: machine.limits,
      isolation: isolationOf(machine),
      isolationAccepted: config.isolation === 'none',
      warnings: warningsOf(config, machine),
    },
    nameStorage,
    resolve: (user) => ({
      uid: user.uid,
      user: user.name,
      storage: user.storage ?? nameStorage(user),
      command: [...command],
    }),
    identify: (server, generation) => ({ server, generation }),

    async ensure(ref, spec, io) {
      const seen = await observe(ref, io);
      if (seen.phase !== 'absent' && seen.phase !== 'pending') return seen;
      const excess = socketPathExcess(place, ref);
      if (excess > 0) throw socketPathTooLong(place, excess);
      const setting = {
        ...config,
        command: spec.command,
        ...shared,
        home: join(homesDir(place), spec.storage),
      };
      const request = {
        ...basisFor(spec.command),
        ref,
        uid: spec.uid,
        user: spec.user,
        storage: spec.storage,
        command: commandLine(place, ref, setting),
        env: serverEnvironment(place, ref, setting, io),
        limits,
      };
      const started = await launchTurn(() => helper.call('launch', request)).catch(launchFailed);
      tally.note(ref.server, started as Started | null, io.log);
      return observe(ref, io);
    },

    observe,

    async stop(ref, { force }, io) {
      const seen = await observe(ref, io);
      if (seen.phase === 'absent' || (seen.phase === 'exited' && !force)) return seen;
      await helper.call('signal', { ref, force });
      return observe(ref, io);
    },

    async destroy(ref) {
      await removeTurn(() => helper.call('remove', { ref }));
    },

    async destroyStorage(storage) {
      await helper.call('removeHome', { storage });
    },

    async *list(io): AsyncIterable<Owned<ProcessRef>> {
      const refs = await launches(place);
      for (const [at, { facts, observed }] of (await see(refs, io)).entries()) {
        const ref = refs[at]!;
        if (facts?.meta.hubId !== context.hubId) continue;
        yield { ref, hubId: facts.meta.hubId, serverId: ref.server, generation: ref.generation, observed };
      }
    },

    async logs(ref, lines) {
      const [facts] = await lookAt([ref]);
      const text = await readTail(place, ref.server, facts?.meta.logFrom ?? 0, LOG_BYTES);
      return text === '' ? [] : text.replace(/\n$/, '').split('\n').slice(-lines);
    },

    usage: (refs) => usageOf(place, refs),

    warm: async () => tally.report((await helper.call('warmState', { now: context.clock.now() })) as WarmTemplate[]),
  };
}

/** Without a root helper the same verbs run here, with this process's own rights. */
function inProcess(place: Place): HelperClient {
  return {
    async call(name, input) {
      const verb = processHelper.verbs[name];
      if (!verb) throw new Error(`spawner-process has no verb ${name}`);
      return verb.run(verb.input.parse(input) as never, place);
    },
  };
}

async function defaultCommand(python: string): Promise<string> {
  const own = join(python, 'bin', 'jupyterhub-singleuser');
  return access(own).then(
    () => own,
    () => 'jupyterhub-singleuser',
  );
}

function socketPathTooLong(place: Place, excess: number): SpawnFault {
  return new SpawnFault({
    class: 'config',
    code: 'run_dir_too_long',
    message: `The folder for sockets, ${place.runDir}, has a path that is ${excess} characters too long for a Unix socket.`,
    advice: 'An administrator can choose a shorter one.',
  });
}

function launchFailed(cause: unknown): never {
  if (cause instanceof SpawnFault) throw cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT' || /ENOSPC|EDQUOT/.test(message)) {
    throw new SpawnFault(
      {
        class: 'config',
        code: 'disk_full',
        message: 'The server could not be prepared: the disk of the hub is full.',
        advice: 'An administrator must free space. Nothing that was saved is lost.',
      },
      { cause },
    );
  }
  throw new SpawnFault(
    {
      class: 'config',
      code: 'launch_failed',
      message: 'The server could not be prepared on this machine.',
      advice: 'An administrator finds the reason in the log of the hub.',
    },
    { cause },
  );
}
