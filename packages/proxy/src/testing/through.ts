import { type Client, type Rig, until } from '../test-kit.ts';
import type { Case } from './corpus.ts';
import type { NextHop, Seen } from './next-hops.ts';
import { readRequests } from './readings.ts';

const PROBE = 'GET /n/probe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
const SENTINEL = 'GET /n/sentinel HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

/** What came of a case, in the words of the corpus. */
export interface Outcome {
  /** Statuses that the client got, interim ones left out; that of the probe at the end when it was read. */
  statuses: string[];
  /** What the next hop read to its end, the probe left out. */
  whole: Seen[];
}

/** What has to come of it. */
export interface Expected extends Outcome {
  /** Requests that the next hop may have begun to read and must not have read to the end, or refuses by itself. */
  others: number;
}

/** @param hop its name in lines that begin with `but` */
export function expectedOf({ gets, but, bytes }: Case, hop: string): Expected {
  const refusedByHop = but[hop];
  const last = gets.at(-1)!;
  const own = /^(?:400|405|417|431|505)$/.test(last) || last.endsWith('-in-body');
  const goesOn = !own && last !== 'ends' && last !== 'waits';
  const statuses = (refusedByHop?.split(' ') ?? gets)
    .filter((word) => /^[0-9]/.test(word))
    .map((word) => word.slice(0, 3));
  const ours = readRequests(bytes).messages.filter(({ target }) => target.startsWith('/n/'));
  const whole = ours.slice(0, statuses.filter((status) => status === '202').length);
  return {
    statuses: goesOn ? [...statuses, '202'] : statuses,
    whole: whole.map(({ method, target, body }) => ({ method, target, bodyLength: body.length })),
    others: refusedByHop || last === 'waits' || last.endsWith('-in-body') ? 1 : 0,
  };
}

/** Sends a case and a request behind it, which must be read only where nothing before it was refused. */
export async function sendCase(rig: Rig, hop: NextHop, { gets, bytes }: Case): Promise<Outcome> {
  const before = hop.whole.length;
  using client = await rig.client();
  client.socket.write(bytes);
  if (gets.at(-1) === 'waits') {
    // When another request is answered, what was sent before it was read.
    await rig.exchange(SENTINEL);
    client.socket.end();
  } else client.socket.write(PROBE);
  return outcome(hop, before, await client.ended());
}

/** The same, every byte in a packet of its own. */
export async function sendSlowly(client: Client, hop: NextHop, { bytes }: Case): Promise<Outcome> {
  const before = hop.whole.length;
  for (const byte of Buffer.concat([bytes, Buffer.from(PROBE)])) {
    if (client.socket.writable) client.socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return outcome(hop, before, await client.ended());
}

async function outcome(hop: NextHop, before: number, received: string): Promise<Outcome> {
  const statuses = [...received.matchAll(/HTTP\/1\.1 ([2-9][0-9]{2})/g)].map(([, status]) => status!);
  const answered = statuses.filter((status) => status === '202').length;
  const seen = () => hop.whole.slice(before).filter(({ target }) => !/^\/n\/(?:probe|sentinel)$/.test(target));
  await until('what was answered was read', () => hop.whole.length - before >= answered);
  return { statuses, whole: seen() };
}
