import { randomBytes } from 'node:crypto';
import { type Clock, type Log, systemClock } from '@atrium/sdk';
import type { AgentConfig } from './config.ts';
import { AgentError, StartFault, textOf } from './errors.ts';
import { type HubClient, hubClient, Refused } from './hub/client.ts';
import { parseSession, parseWait, type Session } from './hub/protocol.ts';
import { type Imds, imdsClient } from './imds.ts';
import type { Launch } from './machine/folders/child.ts';
import type { Machine } from './machine/machine.ts';
import { backoff, pause } from './retry.ts';
import { type RunFiles, runFiles } from './run-files.ts';
import { granted, type SessionLoop, sessionLoop } from './session-loop.ts';
import { startServer } from './start-server.ts';
import { tell } from './story.ts';
import { VERSION } from './version.ts';
import { watchSpot } from './watch/spot.ts';

export interface AgentDeps {
  clock?: Clock;
  /** Ends the agent. A machine of folders ends with it; on Linux the server goes on. */
  signal: AbortSignal;
  log: Log;
  machine?: Machine;
  /** Switches the machine off; without, what the configuration says. */
  powerOff?: () => Promise<void>;
  /** Starts the server in a machine of folders; without, a child process. */
  launch?: Launch;
}

export interface AgentEnd {
  reason: 'power-off' | 'stopped';
  why: string;
}

/** A hub that says "wait" is alive and knows this machine; so long may it wait between two answers. */
const WAIT_LEASE_MS = 30 * 60_000;
/** Longest time without any word from a hub; the watchdog without Node has the same. */
const SILENCE_MS = 30 * 60_000;
const REFUSED_PAUSE_MS = 60_000;
const RESTARTS = 3;
const RESTARTS_WITHIN_MS = 10 * 60_000;

/**
 * Runs a machine from its boot to its end: proves itself, starts the person's server, watches it, and switches the
 * machine off when it is no longer needed. Resolves when the machine was told to go off or `signal` is aborted.
 * @throws AgentError when the machine itself is unusable.
 */
export async function runAgent(config: AgentConfig, deps: AgentDeps): Promise<AgentEnd> {
  const { clock = systemClock, log, signal, powerOff, launch } = deps;
  const machine = deps.machine ?? (await machineOf(config, { clock, log, powerOff, launch }));
  const imds = imdsClient(config.imds);
  const files = runFiles(config.root, clock);
  const bootId = await machine.bootId();
  const left = await files.open(bootId);
  // Another nonce for the same boot would be refused, so it outlives the agent.
  const nonce = left.nonce ?? randomBytes(16).toString('hex');
  if (!left.nonce) await files.saveNonce(nonce);
  const from = config.machine === 'folders' ? await ownAddress(imds, clock, signal) : undefined;
  const hub = hubClient({ hub: config.hub, ca: config.ca, from, clock, log });
  const agent: Agent = { config, clock, log, signal, machine, imds, files, hub, bootId, nonce };

  try {
    return await live(agent, left);
  } catch (error) {
    if (signal.aborted) return { reason: 'stopped', why: 'asked to' };
    throw error;
  } finally {
    await machine.release();
  }
}

interface Agent {
  config: AgentConfig;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  machine: Machine;
  imds: Imds;
  files: RunFiles;
  hub: HubClient;
  bootId: string;
  nonce: string;
}

async function live(agent: Agent, left: { session?: Session; since?: number }): Promise<AgentEnd> {
  const { clock, log, signal, machine } = agent;
  // An agent that was started anew goes on with the server that runs.
  let { session, since = clock.now() } = (await machine.server()).state === 'running' ? left : {};
  const restarts: number[] = [];
  let told = session !== undefined;
  for (;;) {
    if (!session) {
      session = await hello(agent);
      if (!session) return off(agent, 'no hub knew this machine');
      since = left.since ?? clock.now();
      left = {};
      await agent.files.saveLease(clock.now() + granted(session));
      await agent.files.saveSession(session, since);
      told = false;
    }
    const home = await start(agent, session, told);
    const loop = { since, fresh: !told };
    told = true;
    const end = home === undefined ? undefined : await keep(agent, session, home, loop);
    if (signal.aborted || end?.end === 'aborted') return { reason: 'stopped', why: 'asked to' };
    if (end?.end === 'off') return off(agent, end.why);
    if (end?.end === 'server') {
      if (end.code === 0) return off(agent, 'the person shut the server down');
      restarts.push(clock.now());
      const recent = restarts.filter((at) => at > clock.now() - RESTARTS_WITHIN_MS).length;
      log.warn({ code: end.code, recent }, 'the notebook server ended by itself');
      if (recent > RESTARTS) return off(agent, 'the notebook server kept ending');
      continue;
    }
    // Refused, or a start that failed: the hub may want something else by now.
    if (home === undefined) await pause(clock, backoff(6), signal);
    session = undefined;
  }
}

/** Proves itself until there is a session. Undefined when nobody who knows this machine answered for half an hour. */
async function hello({ hub, imds, clock, log, signal, files, bootId, nonce }: Agent): Promise<Session | undefined> {
  let giveUp = clock.now() + SILENCE_MS;
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    let ms: number;
    try {
      // Read again each time: after hibernation the document has a new pendingTime.
      const { document, pkcs7 } = await imds.identity();
      const { status, body } = await hub.once('hello', { document, pkcs7, nonce, agent: VERSION, bootId }, signal);
      if (status === 200) return parseSession(body);
      const wait = parseWait(body);
      log.info({ message: wait.message }, 'the hub asks to wait');
      giveUp = clock.now() + WAIT_LEASE_MS;
      await files.saveLease(giveUp);
      attempt = -1;
      ms = wait.ms * (0.8 + Math.random() * 0.4);
    } catch (error) {
      if (signal.aborted) throw error;
      log.warn({ attempt, error: textOf(error) }, 'no hub took this machine yet');
      ms = error instanceof Refused ? REFUSED_PAUSE_MS * (0.5 + Math.random()) : backoff(attempt);
    }
    if (clock.now() >= giveUp) return undefined;
    await pause(clock, ms, signal);
  }
}

/** Undefined when the start failed; the hub then knows why. */
async function start(agent: Agent, session: Session, quiet: boolean): Promise<string | undefined> {
  const { log, signal } = agent;
  log.info({ server: session.server.id, generation: session.server.generation }, 'starting a server');
  try {
    return await startServer({ ...agent, root: agent.config.root, quiet }, session);
  } catch (error) {
    if (signal.aborted) throw error;
    const fault =
      error instanceof StartFault
        ? { class: error.class, code: error.code, message: error.message }
        : { class: 'transient', code: 'machine_failed', message: 'The machine could not start the notebook server.' };
    log.error({ error: textOf(error), code: fault.code }, 'the server could not be started');
    await tell(agent, session, [{ percent: 0, message: fault.message, fault }]);
    return undefined;
  }
}

async function keep(agent: Agent, session: Session, home: string, options: { since: number; fresh: boolean }) {
  const over = new AbortController();
  const loop: SessionLoop = sessionLoop(agent, session, home, options);
  const spot = watchSpot(agent.imds, agent.clock, agent.log, AbortSignal.any([agent.signal, over.signal]), loop.spot);
  try {
    return await loop.run();
  } finally {
    over.abort();
    await spot;
  }
}

async function off({ machine, log }: Agent, why: string): Promise<AgentEnd> {
  log.warn({ why }, 'switching this machine off');
  await machine.flush().catch((error) => log.warn({ error: textOf(error) }, 'the disks could not be flushed'));
  await machine.powerOff();
  return { reason: 'power-off', why };
}

async function machineOf(
  config: AgentConfig,
  options: { clock: Clock; log: Log; powerOff: AgentDeps['powerOff']; launch: AgentDeps['launch'] },
): Promise<Machine> {
  // Only the one that is needed is loaded.
  if (config.machine === 'folders') return (await import('./machine/folders/index.ts')).foldersMachine(config, options);
  if (process.platform !== 'linux') throw new AgentError('"machine": "linux" needs Linux.');
  return (await import('./machine/linux/index.ts')).linuxMachine(config, options);
}

/** A simulated machine shares its host with others; what it says must come from its own address. */
async function ownAddress(imds: Imds, clock: Clock, signal: AbortSignal): Promise<string | undefined> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const address = (await imds.read('meta-data/local-ipv4'))?.trim();
      return address?.startsWith('127.') ? address : undefined;
    } catch {
      await pause(clock, backoff(attempt), signal);
    }
  }
  return undefined;
}
