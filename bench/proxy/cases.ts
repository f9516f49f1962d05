import { quantile } from '../hub/quantile.ts';
import { BIG } from './frames.ts';
import { echoLoad, httpLoad, openSockets } from './load.ts';
import type { RunningPeer } from './peers.ts';
import { PREFIX } from './peers.ts';
import { cpuOf, pssOf } from './pinned.ts';
import { handshakeLoad, type KeyKind, sessionOf } from './tls.ts';

/** What one turn of one proxy measured, by name of figure. */
export type Figures = Record<string, number>;

/** A figure of a case, for the table. */
export interface Figure {
  name: string;
  label: string;
  digits: number;
  better: 'less' | 'more';
  /** At most this many times nginx's, or configurable-http-proxy's (at least, where more is better); or no more than a number. */
  goal?: { nginx?: number; chp?: number; most?: number };
}

export interface Case {
  name: string;
  title: string;
  figures: readonly Figure[];
  /** A fresh process for each turn: what was there before would hide what is added. */
  fresh?: boolean;
  /** Only with a way to change routes. */
  needsRoutes?: boolean;
  /** Over TLS, with a key of this kind. */
  tls?: KeyKind;
  /** Also measured past all proxies. */
  direct?: boolean;
  /** One turn. `ms` is how long to load. */
  turn(peer: RunningPeer, ms: number): Promise<Figures>;
}

/** CPU of the proxy per thing done, µs. */
async function perThing(
  peer: RunningPeer,
  work: () => Promise<number>,
): Promise<{ us: number; perSecond: number; done: number }> {
  const pids = peer.pids();
  const [before, began] = [cpuOf(pids), performance.now()];
  const done = await work();
  const [cpuMs, ms] = [cpuOf(pids) - before, performance.now() - began];
  if (done === 0) throw new Error('nothing came back');
  return { us: (cpuMs * 1000) / done, perSecond: (done * 1000) / ms, done };
}

const small = (port: number, ms: number, path: (n: number) => string) =>
  httpLoad({ port, connections: 32, method: 'GET', path, until: performance.now() + ms });

const get: Case = {
  name: 'get',
  title: 'small GET, 32 kept connections',
  figures: [
    { name: 'us', label: 'CPU per request, µs', digits: 1, better: 'less', goal: { nginx: 1.25, chp: 0.3 } },
    { name: 'perSecond', label: 'requests per second (not saturated)', digits: 0, better: 'more' },
  ],
  async turn({ ...peer }, ms) {
    const { us, perSecond } = await perThing(
      peer,
      async () => (await small(peer.port, ms, () => `${PREFIX}/small`)).done,
    );
    return { us, perSecond };
  },
};

const bodies: Case = {
  name: 'bodies',
  title: 'bodies of 1 MB, 4 kept connections',
  figures: [
    { name: 'down', label: 'response, GB per second of CPU', digits: 2, better: 'more', goal: { nginx: 1 } },
    { name: 'up', label: 'upload, GB per second of CPU', digits: 2, better: 'more', goal: { nginx: 1 } },
  ],
  async turn(peer, ms) {
    const figure = async (method: 'GET' | 'PUT', path: string) => {
      const plan = { port: peer.port, connections: 4, method, path: () => path, until: performance.now() + ms / 2 };
      const { us } = await perThing(peer, async () => (await httpLoad(plan)).done);
      return BIG / us / 1000;
    };
    return { down: await figure('GET', `${PREFIX}/large`), up: await figure('PUT', `${PREFIX}/upload`) };
  },
};

const SOCKETS = 1_000;
/** Half of what the slowest can do here, so that latency is the proxy's and not the queue's. */
const ECHOES_PER_SECOND = 5_000;

const ws: Case = {
  name: 'ws',
  title: `echo of 100 bytes, ${SOCKETS} websockets`,
  figures: [
    { name: 'us', label: 'CPU per echo (there and back), µs', digits: 1, better: 'less', goal: { nginx: 1 } },
    { name: 'p50', label: `latency at ${ECHOES_PER_SECOND}/s, p50, ms`, digits: 2, better: 'less' },
    {
      name: 'p99',
      label: `latency at ${ECHOES_PER_SECOND}/s, p99, ms`,
      digits: 2,
      better: 'less',
      goal: { nginx: 1.2 },
    },
    { name: 'pacedUs', label: `CPU per echo at ${ECHOES_PER_SECOND}/s, µs`, digits: 1, better: 'less' },
  ],
  async turn(peer, ms) {
    const sockets = await openSockets(peer.port, SOCKETS);
    try {
      await echoLoad(sockets, performance.now() + ms / 10);
      const full = await perThing(peer, async () => (await echoLoad(sockets, performance.now() + ms / 2)).done);
      let latencies: number[] = [];
      const paced = await perThing(peer, async () => {
        const load = await echoLoad(sockets, performance.now() + ms / 2, ECHOES_PER_SECOND);
        latencies = load.latencies;
        return load.done;
      });
      return { us: full.us, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), pacedUs: paced.us };
    } finally {
      for (const { socket } of sockets) socket.destroy();
    }
  },
};

function idleCase(name: string, count: number): Case {
  return {
    name,
    title: `${count} idle websockets`,
    fresh: true,
    figures: [{ name: 'kib', label: 'memory per socket, KiB', digits: 1, better: 'less', goal: { most: 12 } }],
    async turn(peer) {
      // What the first ones cost beside themselves (code, pools) is not the sockets'.
      const first = await openSockets(peer.port, 200);
      const before = await settled(peer);
      const sockets = await openSockets(peer.port, count);
      const after = await settled(peer);
      for (const { socket } of [...first, ...sockets]) socket.destroy();
      return { kib: (after - before) / 1024 / count };
    },
  };
}

/** Memory, once it does not change any more: a few hundred ms apart, within 1 %, or after five seconds. */
async function settled(peer: RunningPeer): Promise<number> {
  let last = pssOf(peer.pids());
  for (let look = 0; look < 10; look++) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const now = pssOf(peer.pids());
    if (look > 2 && Math.abs(now - last) < last / 100) return now;
    last = now;
  }
  return last;
}

const ROUTES = 10_000;

const routes: Case = {
  name: 'routes',
  title: `${ROUTES} routes`,
  needsRoutes: true,
  figures: [
    { name: 'few', label: 'CPU per small GET, spread over 10 routes, µs', digits: 1, better: 'less' },
    { name: 'many', label: `CPU per small GET, spread over ${ROUTES}, µs`, digits: 1, better: 'less' },
    { name: 'add', label: 'CPU per route added, µs', digits: 1, better: 'less', goal: { most: 50 } },
    { name: 'remove', label: 'CPU per route removed, µs', digits: 1, better: 'less', goal: { most: 50 } },
  ],
  async turn(peer, ms) {
    const paths = Array.from({ length: ROUTES }, (_, n) => `${PREFIX}-${n}`);
    const asked = (count: number) => (n: number) => `${paths[(n * 7919) % count]}/small`;
    const load = (count: number) => perThing(peer, async () => (await small(peer.port, ms / 2, asked(count))).done);
    await peer.routes!.add(paths.slice(0, 10));
    const few = await load(10);
    const add = await perThing(peer, async () => {
      await peer.routes!.add(paths.slice(10));
      return ROUTES - 10;
    });
    const many = await load(ROUTES);
    const remove = await perThing(peer, async () => {
      await peer.routes!.remove(paths);
      return ROUTES;
    });
    return { few: few.us, many: many.us, add: add.us, remove: remove.us };
  },
};

const latency: Case = {
  name: 'latency',
  title: 'small GET at 1,000 per second',
  direct: true,
  figures: [
    { name: 'p50', label: 'latency added, p50, ms', digits: 3, better: 'less', goal: { most: 0.15 } },
    { name: 'p99', label: 'latency added, p99, ms', digits: 3, better: 'less', goal: { most: 1 } },
    { name: 'us', label: 'CPU per request, µs', digits: 1, better: 'less' },
  ],
  async turn(peer, ms) {
    let latencies: number[] = [];
    const plan = {
      port: peer.port,
      connections: 32,
      method: 'GET',
      path: () => `${PREFIX}/small`,
      rate: 1_000,
    } as const;
    const { us } = await perThing(peer, async () => {
      const load = await httpLoad({ ...plan, until: performance.now() + ms });
      latencies = load.latencies;
      return load.done;
    });
    return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), us };
  },
};

function tlsCase(name: string, tls: KeyKind, key: string): Case {
  return {
    name,
    title: `new connections by TLS 1.3, ${key}`,
    tls,
    figures: [
      { name: 'fresh', label: 'per second of CPU', digits: 0, better: 'more', goal: { nginx: 0.7 } },
      { name: 'resumed', label: 'resumed, per second of CPU', digits: 0, better: 'more', goal: { nginx: 0.7 } },
    ],
    async turn(peer, ms) {
      const rate = async (session?: Buffer) => {
        const until = performance.now() + ms / 2;
        const { us } = await perThing(peer, async () => (await handshakeLoad(peer.port, until, session)).done);
        return 1e6 / us;
      };
      return { fresh: await rate(), resumed: await rate(await sessionOf(peer.port)) };
    },
  };
}

export const CASES: readonly Case[] = [
  get,
  bodies,
  ws,
  idleCase('idle', 2_000),
  idleCase('idle9000', 9_000),
  routes,
  latency,
  tlsCase('tls', 'p256', 'P-256'),
  tlsCase('tlsRsa', 'rsa2048', 'RSA-2048'),
];
