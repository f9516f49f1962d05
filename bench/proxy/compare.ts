import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Hardware, hardwareFacts } from '../hub/machine.ts';
import { hurry } from '../hub/processes.ts';
import { quantile } from '../hub/quantile.ts';
import type { Case, Figures } from './cases.ts';
import { ownVersion, type Peer, type RunningPeer } from './peers.ts';
import { certificateIn, type KeyKind } from './tls.ts';

export interface Comparison {
  cases: readonly Case[];
  peers: readonly Peer[];
  rounds: number;
  /** Of load per turn. */
  ms: number;
  core: number | undefined;
  urgent: boolean;
  say(line: string): void;
}

/** What came of one case at one proxy: the median of its rounds, and the rounds. */
export interface Result {
  case: string;
  peer: string;
  median: Figures;
  rounds: Figures[];
}

export interface Outcome {
  machine: Hardware;
  versions: Record<string, string>;
  rounds: number;
  seconds: number;
  results: Result[];
  /** Cases that could not be measured at a proxy, and why. */
  missing: { case: string; peer: string; why: string }[];
}

/** Every proxy takes its turn in every round of every case. */
export async function compare(plan: Comparison): Promise<Outcome> {
  const { cases, peers, rounds, ms, say } = plan;
  await using backend = await startBackend(plan.urgent);
  const outcome: Outcome = {
    machine: hardwareFacts(),
    versions: Object.fromEntries(peers.map(({ title, version }) => [title, version || ownVersion()])),
    rounds,
    seconds: ms / 1000,
    results: [],
    missing: [],
  };
  for (const one of cases) {
    await using field = await startField(plan, one, backend.port, outcome);
    const turns = new Map<string, Figures[]>(peers.map(({ name }) => [name, []]));
    // Compilers and pools get warm before anything counts.
    if (!one.fresh) for (const { turn } of field.runners) await turn(Math.min(ms, 1_500));
    for (let round = 0; round < rounds; round++) {
      const direct = await field.direct?.(ms);
      // Nobody always follows the same one.
      const order = field.runners.map((_, at) => field.runners[(at + round) % field.runners.length]!);
      for (const { name, turn } of order) {
        const figures = withoutDirect(await turn(ms), direct);
        turns.get(name)!.push(figures);
        say(`${one.name} ${round + 1}/${rounds} ${name}: ${spoken(figures)}`);
      }
    }
    for (const [peer, all] of turns) {
      if (all.length > 0) outcome.results.push({ case: one.name, peer, median: medianOf(all), rounds: all });
    }
  }
  outcome.machine = hardwareFacts();
  return outcome;
}

interface Field extends AsyncDisposable {
  runners: { name: string; turn(ms: number): Promise<Figures> }[];
  direct: ((ms: number) => Promise<Figures>) | undefined;
}

/** The proxies of one case: running throughout, or started anew for each turn. */
async function startField(plan: Comparison, one: Case, backend: number, outcome: Outcome): Promise<Field> {
  const stack = new AsyncDisposableStack();
  const runners: Field['runners'] = [];
  try {
    for (const peer of plan.peers) {
      if (one.fresh) {
        const turn = async (ms: number) => {
          await using running = await startPeer(plan, peer, backend, one.tls);
          // Awaited here: what is used must not be put away before.
          return await one.turn(running, ms);
        };
        runners.push({ name: peer.name, turn });
        continue;
      }
      const running = stack.use(await startPeer(plan, peer, backend, one.tls));
      if (one.needsRoutes && !running.routes) {
        outcome.missing.push({ case: one.name, peer: peer.name, why: 'has no routes that change while it runs' });
      } else runners.push({ name: peer.name, turn: (ms) => one.turn(running, ms) });
    }
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
  // Past every proxy: what is then left is that of load and server. Its CPU is nobody's.
  const past: RunningPeer = {
    port: backend,
    pids: () => [process.pid],
    routes: undefined,
    [Symbol.asyncDispose]: async () => {},
  };
  return {
    runners,
    direct: one.direct ? (ms) => one.turn(past, ms) : undefined,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

export async function startPeer(
  plan: { core: number | undefined; urgent: boolean },
  peer: Peer,
  backend: number,
  tls?: KeyKind,
): Promise<RunningPeer> {
  const dir = mkdtempSync(join(tmpdir(), 'abp-'));
  const { core, urgent } = plan;
  const remove = () => rmSync(dir, { recursive: true, force: true });
  let running: RunningPeer;
  try {
    const certificate = tls && certificateIn(dir, tls);
    running = await peer.start({ dir, backend, core, urgent, certificate });
  } catch (error) {
    remove();
    throw error;
  }
  return {
    ...running,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      remove();
    },
  };
}

export interface Backend extends AsyncDisposable {
  port: number;
  /** Cuts every connection to it. */
  drop(): void;
}

export async function startBackend(urgent: boolean): Promise<Backend> {
  const child = fork(fileURLToPath(new URL('./backend.ts', import.meta.url)), [], {
    execArgv: ['--conditions=atrium-source'],
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  const [port] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error('the server behind the proxies did not start');
    }),
  ]);
  if (urgent) hurry([child.pid!]);
  return {
    port: port as number,
    drop: () => void child.send('drop'),
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

/** Latencies above those of a direct connection in the same round. */
function withoutDirect(figures: Figures, direct: Figures | undefined): Figures {
  if (!direct) return figures;
  return { ...figures, p50: figures.p50! - direct.p50!, p99: figures.p99! - direct.p99! };
}

function medianOf(all: readonly Figures[]): Figures {
  return Object.fromEntries(
    Object.keys(all[0]!).map((name) => [
      name,
      quantile(
        all.map((one) => one[name]!),
        0.5,
      ),
    ]),
  );
}

const spoken = (figures: Figures) =>
  Object.entries(figures)
    .map(([name, value]) => `${name} ${value.toPrecision(4)}`)
    .join(', ');
