import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { freePort } from '../../../tools/free-port.ts';
import { bundleHub } from './bundle.ts';
import type { FromHub, HubSetup, Kill, Place, ToHub } from './place.ts';
import { MUTATING, type Region } from './region.ts';

/** A test runner's own settings are not for a hub. */
const CLEAN = { NODE_OPTIONS: '', VITEST: undefined, NODE_ENV: undefined };

/** A kill that happened. */
export interface Killed {
  place: Place;
  nth: number;
  /** What the hub was about to do, or had done. */
  what: string;
  /** ms of ours */
  at: number;
}

/** Keeps a hub running, as a supervisor would; kills it where it is told to. */
export interface Keeper extends AsyncDisposable {
  readonly origin: string;
  readonly dataDir: string;
  /** Of an administrator. */
  token(): string;
  /** Resolves when a hub serves. */
  up(): Promise<void>;
  /**
   * Arms these kills one after the other: the next as soon as the one before has struck, from the first moment of the next
   * hub's life. `outageMs` of simulated time pass between a kill and the next hub.
   */
  arm(kills: readonly Kill[], outageMs: number): Promise<void>;
  /** Takes back what has not struck. @returns what has */
  disarm(): Promise<Killed[]>;
  /** One round of the spawner's upkeep. */
  upkeep(): Promise<void>;
  /** What went wrong with a hub that nobody killed. */
  readonly problems: readonly string[];
}

interface Child {
  process: ChildProcess;
  loaded: Promise<void>;
  out: string[];
  err: string[];
}

export async function startKeeper(region: Region, spawner: (port: number) => Record<string, unknown>): Promise<Keeper> {
  const { sim, clock } = region;
  const port = await freePort();
  const program = await bundleHub(region.dir);
  const dataDir = join(region.dir, 'hub');
  const setup: HubSetup = {
    dataDir,
    port,
    ec2: new URL(sim.endpoint).host,
    spawner: spawner(port),
  };
  const problems: string[] = [];
  let token = '';
  let over = false;
  let pending: Kill[] = [];
  let outage = 0;
  let struck: Killed[] = [];
  let serving = Promise.withResolvers<void>();
  let serves = false;
  let current: Child;
  let spare: Child;
  let lastId = 0;

  function load(): Child {
    const child = spawn(process.execPath, [program, JSON.stringify(setup)], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...sim.env('hub'), ...CLEAN, NODE_COMPILE_CACHE: join(region.dir, 'cache') },
    });
    const loaded = Promise.withResolvers<void>();
    const made: Child = { process: child, loaded: loaded.promise, out: [], err: [] };
    made.loaded.catch(() => {});
    child.stdout!.on('data', (chunk: Buffer) => made.out.push(chunk.toString()));
    child.stderr!.on('data', (chunk: Buffer) => {
      made.err.push(chunk.toString());
      if (process.env.ATRIUM_TEST_LOG) process.stderr.write(chunk);
      if (made.err.length > 200) made.err.shift();
    });
    child.on('message', (message: FromHub) => {
      if (message.type === 'loaded') loaded.resolve();
      if (message.type === 'time') stepped.resolve();
    });
    child.once('exit', (code, signal) =>
      loaded.reject(new Error(`ended with ${code ?? signal}: ${made.err.join('')}`)),
    );
    return made;
  }

  /** Kills the hub from outside, over the n-th call that changes something: its work is done all the same. */
  const outer = { left: 0, nth: 0 };
  for (const action of MUTATING) {
    sim.faults.add({
      action,
      match(_, caller) {
        if (outer.left === 0 || caller !== 'hub') return false;
        outer.left -= 1;
        if (outer.left > 0) return false;
        current.out.push(`${JSON.stringify({ place: 'call done', what: action })}\n`);
        current.process.kill('SIGKILL');
        return true;
      },
      times: Number.POSITIVE_INFINITY,
      dropResponse: true,
    });
  }

  /** The part of a kill that the hub's own process carries out. */
  function take(kill: Kill | undefined): Kill | null {
    outer.left = kill?.place === 'call done' ? kill.nth : 0;
    return kill && kill.place !== 'call done' ? kill : null;
  }

  let stepped = Promise.withResolvers<void>();
  clock.follow(async (now) => {
    if (!serves) return;
    stepped = Promise.withResolvers();
    tell({ type: 'time', now });
    await stepped.promise;
  });

  const tell = (message: ToHub) => {
    if (current.process.connected) current.process.send(message, () => {});
  };

  async function serve(child: Child): Promise<void> {
    current = child;
    await child.loaded;
    const ready = new Promise<void>((resolve, reject) => {
      child.process.on('message', (message: FromHub) => {
        if (message.type === 'failed') reject(new Error(message.problem));
        if (message.type !== 'ready') return;
        token ||= message.token ?? '';
        resolve();
      });
      child.process.once('exit', () => resolve());
    });
    const kill = take(pending[0]);
    tell({ type: 'go', now: clock.now(), ...(kill && { kill }) });
    await ready;
    if (child.process.exitCode !== null || child.process.signalCode !== null) return;
    clock.thaw();
    serves = true;
    serving.resolve();
  }

  /** Watches one hub to its end, and puts the next in its place. */
  async function watch(child: Child): Promise<void> {
    const [code, signal] = (await once(child.process, 'close')) as [number | null, string | null];
    clock.freeze();
    stepped.resolve();
    if (over) return;
    // Who waits already waits on: a hub may be killed before it serves.
    if (serves) serving = Promise.withResolvers<void>();
    serves = false;
    const said = child.out.join('').trim().split('\n').at(-1);
    const kill = pending.shift();
    if (signal !== 'SIGKILL' || !kill || !said) {
      problems.push(`a hub ended by itself (${code ?? signal}): ${child.err.join('').slice(-3000)}`);
    } else {
      const { place, what } = JSON.parse(said) as { place: Place; what: string };
      const last = sim.calls.all({ caller: 'hub' }).at(-1)?.action ?? '';
      struck.push({ place, nth: kill.nth, what: what || `around ${last}`, at: Date.now() });
    }
    await clock.skip(outage);
    next();
  }

  function next(): void {
    const child = spare;
    spare = load();
    const ended = watch(child);
    serve(child).catch((error: Error) => {
      if (over) return;
      problems.push(error.message);
      serving.reject(error);
    });
    ended.catch((error: Error) => problems.push(error.message));
  }

  /** Asks the hub that serves; when it dies over the question, the next one. */
  async function ask(message: { type: 'upkeep' } | { type: 'arm'; kill: Kill | null }): Promise<void> {
    for (;;) {
      await serving.promise;
      const child = current;
      // Its death is known here before it is to whoever puts the next in its place: it would never answer.
      if (child.process.exitCode !== null || child.process.signalCode !== null) {
        await setImmediate();
        continue;
      }
      const id = ++lastId;
      const answer = new Promise<FromHub | undefined>((resolve) => {
        const hear = (heard: FromHub) => {
          if (heard.type !== 'done' || heard.id !== id) return;
          child.process.off('message', hear);
          resolve(heard);
        };
        child.process.on('message', hear);
        child.process.once('close', () => resolve(undefined));
      });
      tell({ ...message, id } as ToHub);
      const heard = await answer;
      if (heard?.type === 'done') {
        if (heard.error) throw new Error(heard.error);
        return;
      }
      if (problems.length > 0) throw new Error(problems.join('\n'));
    }
  }

  spare = load();
  next();
  return {
    origin: `http://127.0.0.1:${port}`,
    dataDir,
    problems,
    token: () => token,
    up: () => serving.promise,
    async arm(kills, outageMs) {
      struck = [];
      outage = outageMs;
      pending = [];
      await ask({ type: 'arm', kill: take(kills[0]) });
      pending = [...kills];
    },
    async disarm() {
      outer.left = 0;
      const left = pending.length > 0;
      // Not before the hub knows: a kill that strikes meanwhile was armed.
      if (left) await ask({ type: 'arm', kill: null });
      pending = [];
      return struck;
    },
    upkeep: () => ask({ type: 'upkeep' }),
    async [Symbol.asyncDispose]() {
      over = true;
      for (const { process: child } of [current, spare]) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const ended = once(child, 'close');
        child.kill('SIGKILL');
        await ended;
      }
    },
  };
}
