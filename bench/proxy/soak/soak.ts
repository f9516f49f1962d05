import { startBackend, startPeer } from '../compare.ts';
import { EchoSocket, httpLoad } from '../load.ts';
import { PEERS, PREFIX, type RunningPeer } from '../peers.ts';
import { descriptorsOf, pssOf } from '../pinned.ts';

export interface Soak {
  requests: number;
  websockets: number;
  /** Requests before the first look. */
  warm: number;
  /** Route changes per second. */
  changes: number;
  say(line: string): void;
}

/** What the proxy has when nothing is under way. */
export interface Look {
  descriptors: number;
  /** Proportional set size, bytes. */
  memory: number;
}

export interface Soaked {
  before: Look;
  after: Look;
  requests: number;
  websockets: number;
  changes: number;
  seconds: number;
}

const CONNECTIONS = 32;
/** Requests between two sets of new connections. */
const BATCH = 3_200;
const SOCKETS_AT_ONCE = 20;

/** Requests, websockets and route changes at the same time, with a look at the proxy before and after. */
export async function soak(plan: Soak): Promise<Soaked> {
  await using backend = await startBackend(false);
  await using proxy = await startPeer({ core: undefined, urgent: false }, PEERS[0]!, backend.port);
  // The same as what follows, only less of it: what the proxy takes for such a load, it has then.
  await mix(proxy, { ...plan, requests: plan.warm, websockets: Math.ceil(plan.warm / 20) });
  const before = await look(proxy, backend.drop);
  plan.say(`before: ${spoken(before)}`);

  const began = performance.now();
  const changes = await mix(proxy, plan);
  const seconds = (performance.now() - began) / 1000;
  const after = await look(proxy, backend.drop);
  plan.say(`after: ${spoken(after)}`);
  return { before, after, requests: plan.requests, websockets: plan.websockets, changes, seconds };
}

const spoken = ({ descriptors, memory }: Look) => `${descriptors} descriptors, ${(memory / 2 ** 20).toFixed(1)} MiB`;

/** All of it at once; says how many route changes there were. */
async function mix(proxy: RunningPeer, { requests, websockets, changes, say }: Omit<Soak, 'warm'>): Promise<number> {
  let busy = true;
  const changing = change(proxy, changes, () => busy);
  const told = (done: number) => {
    if (done % 50_000 < BATCH) say(`${done} requests, ${(pssOf(proxy.pids()) / 2 ** 20).toFixed(1)} MiB`);
  };
  await Promise.all([ask(proxy, requests, told), open(proxy, websockets)]).finally(() => {
    busy = false;
  });
  return changing;
}

async function ask(proxy: RunningPeer, requests: number, said: (done: number) => void): Promise<void> {
  for (let done = 0; done < requests; ) {
    const most = Math.min(BATCH, requests - done);
    const path = (n: number) => `${PREFIX}/${n % 100 === 0 ? 'large' : 'small'}`;
    const plan = { port: proxy.port, connections: CONNECTIONS, until: Number.POSITIVE_INFINITY, most, path };
    const load = await httpLoad({ ...plan, method: 'GET' });
    if (load.done !== most) throw new Error(`${load.done} of ${most} requests were answered`);
    done += most;
    said(done);
  }
}

/** Each says one thing, hears it, and goes: by a word, silently, or with a reset. */
async function open(proxy: RunningPeer, websockets: number): Promise<void> {
  let opened = 0;
  const one = async (): Promise<void> => {
    while (opened < websockets) {
      const turn = opened++;
      const echo = await EchoSocket.open(proxy.port);
      await new Promise<void>((resolve, reject) => {
        echo.onEcho = () => resolve();
        echo.socket.once('close', () => reject(new Error('a websocket was closed before its echo')));
        echo.send();
      });
      if (turn % 3 === 0) echo.socket.end();
      else if (turn % 3 === 1) echo.socket.destroy();
      else echo.socket.resetAndDestroy();
    }
  };
  await Promise.all(Array.from({ length: SOCKETS_AT_ONCE }, one));
}

/** Adds and removes routes, half each, until it is enough; says how many. */
async function change(proxy: RunningPeer, perSecond: number, busy: () => boolean): Promise<number> {
  const began = performance.now();
  let changes = 0;
  while (busy()) {
    if (changes >= ((performance.now() - began) * perSecond) / 1000) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    const paths = Array.from({ length: 10 }, (_, n) => `${PREFIX}-${changes + n}`);
    await proxy.routes!.add(paths);
    await proxy.routes!.remove(paths);
    changes += 2 * paths.length;
  }
  return changes;
}

/** Once nothing is open any more, and what it has stays the same for a while. */
async function look(proxy: RunningPeer, drop: () => void): Promise<Look> {
  let last: Look | undefined;
  for (let same = 0; same < 4; ) {
    drop();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const now = { descriptors: descriptorsOf(proxy.pids()), memory: pssOf(proxy.pids()) };
    const alike = last?.descriptors === now.descriptors && Math.abs(now.memory - last.memory) < now.memory / 50;
    same = alike ? same + 1 : 0;
    last = now;
  }
  return last!;
}
