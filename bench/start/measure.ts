import { randomBytes } from 'node:crypto';
import type { Browser } from '../hub/browser.ts';
import { benchDir, type RunningHub, startHub } from '../hub/hub.ts';
import { quantile } from '../hub/quantile.ts';
import { useOf } from './family.ts';
import { PATIENCE, type StartKind, type Warmth } from './kinds.ts';
import { type FirstResult, firstResult, signedIn, startServer } from './person.ts';

interface Kernels {
  /** From signing in, with a server and a kernel that did not run, to the first printed result. */
  firstResultMs: number;
  /** From asking a server at rest for another kernel to its first printed result. */
  ms: number;
  /** Of a server and its two kernels together: what one more person takes. */
  pss: number;
  warm: number;
}

/** What one kind of start did with so many at once. Times in ms, memory in bytes. */
export interface Result {
  kind: string;
  title: string;
  servers: number;
  /** From asking to the first answer, of one person. */
  answer: { p50: number; max: number };
  /** From the first asking to the last first answer. */
  allMs: number;
  cpuPerStart: number;
  /** Everything but hub and proxy, templates too, divided by the servers. */
  pssPerServer: number;
  /** Measured where one server is: kernels, started one after the other, each on a server of its own. */
  kernels: Kernels | null;
  warmth: Warmth | null;
}

/** A silent fallback must not pass for a warm start. */
const LEAST_WARM = 0.95;

interface Options {
  servers: number;
  python: string;
  /** How often a single server is started; the median counts. */
  repeat: number;
}

/** Boots a hub, starts so many servers at once, and measures. @throws when warm starts were not warm */
export async function measure(kind: StartKind, { servers, python, repeat }: Options): Promise<Result> {
  await kind.prepare?.();
  using dir = benchDir();
  const token = randomBytes(24).toString('hex');
  const plan = await kind.plan(dir.path, python);
  plan.env.BENCH_TOKEN = token;
  // Once before, so that neither compiles its sources while it is measured.
  await (await startHub(kind, plan, dir.path, {}))[Symbol.asyncDispose]();
  await using hub = await startHub(kind, plan, dir.path, {});
  try {
    await kind.settle?.(dir.path);
    const before = await kind.warmth?.(dir.path);
    const rounds: Awaited<ReturnType<typeof startAll>>[] = [];
    for (let round = 0; round < (servers === 1 ? repeat : 1); round += 1) {
      rounds.push(await startAll(hub, servers, `r${round}`));
    }
    const warmth = before && kind.warmth ? since(before, await kind.warmth(dir.path)) : null;
    if (kind.name === 'warm') assertWarm(warmth, servers * rounds.length);
    const kernels = servers === 1 ? await measureKernels(kind, hub, token, repeat) : null;
    const median = (of: (round: (typeof rounds)[number]) => number) => quantile(rounds.map(of), 0.5);
    return {
      kind: kind.name,
      title: kind.title,
      servers,
      answer: { p50: median(({ p50 }) => p50), max: median(({ max }) => max) },
      allMs: median(({ allMs }) => allMs),
      cpuPerStart: median(({ cpuPerStart }) => cpuPerStart),
      // Of the last round: with one server started after the other that is what all of them take.
      pssPerServer: (rounds.at(-1)?.serversPss ?? Number.NaN) / (servers * rounds.length),
      kernels,
      warmth,
    };
  } finally {
    // What went wrong before is the news.
    await kind.endServers?.(dir.path).catch((error: Error) => process.stderr.write(`${error.message}\n`));
  }
}

async function measureKernels(kind: StartKind, hub: RunningHub, token: string, repeat: number): Promise<Kernels> {
  const before = useOf(ownOf(hub)).serversPss;
  const results: FirstResult[] = [];
  for (let round = 0; round < repeat; round += 1) {
    const signal = AbortSignal.timeout(PATIENCE * 1000);
    results.push(await firstResult(hub.door, `kernel-${round}`, token, signal));
  }
  const pss = (useOf(ownOf(hub)).serversPss - before) / repeat;
  const warm = results.filter((result) => result.warm).length;
  if (kind.name === 'warm' && warm < repeat * LEAST_WARM)
    throw new Error(`Only ${warm} of ${repeat} kernels were warm`);
  const median = (of: (result: FirstResult) => number) => quantile(results.map(of), 0.5);
  return { firstResultMs: median(({ resultMs }) => resultMs), ms: median(({ kernelMs }) => kernelMs), pss, warm };
}

async function startAll(hub: RunningHub, servers: number, prefix: string) {
  const { door } = hub;
  const signal = AbortSignal.timeout(PATIENCE * 1000);
  const names = Array.from({ length: servers }, (_, at) => `${prefix}-${String(at).padStart(3, '0')}`);
  const browsers: Browser[] = [];
  try {
    // Signing in is the hub's work, which other benchmarks measure.
    for (const name of names) browsers.push(await signedIn(door, name, signal));
    const own = ownOf(hub);
    const before = useOf(own);
    const began = performance.now();
    const starts = await Promise.all(names.map((name, at) => startServer(browsers[at]!, door, name)));
    const allMs = performance.now() - began;
    const after = useOf(own);
    const times = starts.map(({ answerMs }) => answerMs);
    const cpuPerStart = (after.cpuMs - before.cpuMs) / servers;
    return { p50: quantile(times, 0.5), max: quantile(times, 1), allMs, cpuPerStart, serversPss: after.serversPss };
  } finally {
    for (const browser of browsers) browser[Symbol.dispose]();
  }
}

const ownOf = (hub: RunningHub) => (['hub', 'proxy', 'other'] as const).flatMap((role) => hub.pids(role));

function since(before: Warmth, after: Warmth): Warmth {
  const cold = Object.entries(after.cold).map(([reason, n]) => [reason, n - (before.cold[reason] ?? 0)] as const);
  return { warm: after.warm - before.warm, cold: Object.fromEntries(cold.filter(([, n]) => n > 0)) };
}

function assertWarm(warmth: Warmth | null, starts: number): void {
  if (warmth && warmth.warm >= starts * LEAST_WARM) return;
  throw new Error(`Only ${warmth?.warm ?? 0} of ${starts} starts were warm; cold: ${JSON.stringify(warmth?.cold)}`);
}
