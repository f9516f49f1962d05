import { type BlockList, isIP } from 'node:net';
import { type Clock, isTrusted } from '@atrium/sdk';
import type { RequestHead } from '../head.ts';
import type { Target } from '../route-table.ts';
import { CLASSES } from './counts.ts';
import { maskedPath } from './masked-path.ts';

const AGENT = /^user-agent:[ \t]*([^\r\n]*)/im;
const MOST_AGENT = 256;
const MOST_HOST = 255;

/** Where lines go. To write never waits: what there is no room for is lost, and counted. */
export interface LineSink {
  write(line: string): void;
  /** Lines lost so far. */
  readonly dropped: number;
}

/** One request or websocket that has ended. */
export interface Ended {
  requestId: string;
  /** Undefined when it could not be read. */
  head: RequestHead | undefined;
  /** The client's address, or the front server's; and whether that one is believed. */
  peer: string;
  trusted: boolean;
  /** A place in `CLASSES`. */
  kind: number;
  /** Where it went; undefined when the proxy answered by itself. */
  target: Target | undefined;
  /** 0 when there was no answer. */
  status: number;
  /** The client or the server broke off before the answer was complete. */
  aborted: boolean;
  /** Why it was refused. */
  reason?: string;
  bytesIn: number;
  bytesOut: number;
  /** When its head was read, and when that of its answer came; ms since the epoch, 0 for never. */
  startedAt: number;
  answeredAt: number;
}

/** Who asked: through front servers that are believed, the first address that is none of them. */
export function clientAddress(head: RequestHead | undefined, peer: string, trusted: BlockList): string {
  const chain = head?.fields.forwardedFor.split(',') ?? [];
  let client = peer;
  while (chain.length > 0 && isTrusted(trusted, client)) {
    const before = chain.pop()!.trim();
    if (isIP(before) === 0) break;
    client = before;
  }
  return client;
}

/** One JSON line for each request and each websocket, when it has ended. */
export class AccessLog {
  readonly #sink: LineSink;
  readonly #clock: Clock;
  readonly #trusted: BlockList;

  /** @param trusted front servers, whose word counts */
  constructor(sink: LineSink, clock: Clock, trusted: BlockList) {
    this.#sink = sink;
    this.#clock = clock;
    this.#trusted = trusted;
  }

  get dropped(): number {
    return this.#sink.dropped;
  }

  write(ended: Ended): void {
    const { head, requestId, kind, target, status, aborted, reason, startedAt, answeredAt } = ended;
    const now = this.#clock.now();
    const agent = head && AGENT.exec(head.fields.kept)?.[1];
    const line = {
      time: new Date(now).toISOString(),
      requestId,
      peer: ended.trusted ? clientAddress(head, ended.peer, this.#trusted) : ended.peer,
      method: head?.method,
      host: head?.host.slice(0, MOST_HOST),
      path: head && maskedPath(head.target, target?.prefix),
      status: status === 0 ? null : status,
      class: CLASSES[kind],
      server: target?.serverId,
      websocket: head?.upgrade ? true : undefined,
      ms: startedAt > 0 ? now - startedAt : 0,
      upstreamMs: answeredAt > 0 ? answeredAt - startedAt : undefined,
      bytesIn: ended.bytesIn,
      bytesOut: ended.bytesOut,
      agent: agent?.slice(0, MOST_AGENT),
      reason,
      aborted: aborted ? true : undefined,
    };
    this.#sink.write(`${JSON.stringify(line)}\n`);
  }
}
