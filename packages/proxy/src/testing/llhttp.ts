import { createRequire } from 'node:module';

/** The part of Node's own binding that is used here: it has no public name, and the modules that wrap it add rules of their own. */
interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void;
  execute(bytes: Buffer): number | Error;
  finish(): number | Error | undefined;
  /** Without it what it holds is never freed. */
  close(): void;
  [callback: number]: unknown;
}
interface ParserClass {
  new (): Parser;
  REQUEST: number;
  RESPONSE: number;
  kOnHeaders: number;
  kOnHeadersComplete: number;
  kOnBody: number;
  kOnMessageComplete: number;
  kLenientNone: number;
}

const { HTTPParser } = createRequire(import.meta.url)('_http_common') as { HTTPParser: ParserClass };
/** Its numbers of methods follow the order in which it knows them; asking it is the one way to learn them. */
const METHODS = new Map<number, string>();

/** A message as it was read, by whomever. Text is latin1. */
export interface Message {
  /** Of a request. */
  method: string;
  target: string;
  /** Of an answer; 0 otherwise. */
  status: number;
  reason: string;
  minor: number;
  fields: [name: string, value: string][];
  body: string;
  /** To its end. */
  complete: boolean;
}

export interface LlhttpReading {
  messages: Message[];
  /** Empty when nothing is wrong. */
  error: string;
  /** It takes what follows for another protocol's, and stopped. */
  upgrade: boolean;
}

const MAX_HEAD = 1 << 20;

/**
 * Reads a stream of requests or answers with Node's parser, llhttp, in its strict mode.
 * @param asked the method that the answer is to
 * @param ended nothing follows
 */
export function readWithLlhttp(
  bytes: Buffer,
  kind: 'request' | 'response',
  { asked = 'GET', ended = false }: { asked?: string; ended?: boolean } = {},
): LlhttpReading {
  const parser = new HTTPParser();
  const type = kind === 'request' ? HTTPParser.REQUEST : HTTPParser.RESPONSE;
  parser.initialize(type, {}, MAX_HEAD, HTTPParser.kLenientNone);
  const reading: LlhttpReading = { messages: [], error: '', upgrade: false };
  let current: Message | undefined;
  let early: string[] = [];
  let earlyTarget = '';
  const pairs = (flat: string[]): [string, string][] =>
    Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at]!, flat[2 * at + 1]!]);

  parser[HTTPParser.kOnHeaders] = (fields: string[], target: string) => {
    // Behind the head these are the trailer's, which are judged apart.
    if (current) return;
    early.push(...fields);
    earlyTarget += target;
  };
  parser[HTTPParser.kOnHeadersComplete] = (
    _major: number,
    minor: number,
    fields: string[] | undefined,
    method: number,
    target: string | undefined,
    status: number,
    reason: string,
    upgrade: boolean,
  ) => {
    current = {
      method: kind === 'request' ? (METHODS.get(method) ?? String(method)) : '',
      target: target ?? earlyTarget,
      status: status ?? 0,
      reason: reason ?? '',
      minor,
      fields: pairs(fields ?? early),
      body: '',
      complete: false,
    };
    early = [];
    earlyTarget = '';
    reading.messages.push(current);
    reading.upgrade = upgrade;
    return kind === 'response' && asked === 'HEAD' ? 1 : 0;
  };
  parser[HTTPParser.kOnBody] = (piece: Buffer) => {
    current!.body += piece.toString('latin1');
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    current!.complete = true;
    current = undefined;
  };
  let result = parser.execute(bytes);
  if (!(result instanceof Error) && ended) result = parser.finish() ?? 0;
  parser.close();
  if (result instanceof Error) {
    const { code, reason } = result as Error & { code: string; reason: string };
    reading.error = `${code}: ${reason}`;
  }
  return reading;
}

const KNOWN = ['DELETE', 'GET', 'HEAD', 'POST', 'PUT', 'CONNECT', 'OPTIONS', 'TRACE', 'COPY', 'LOCK', 'MKCOL', 'MOVE']
  .concat(['PROPFIND', 'PROPPATCH', 'SEARCH', 'UNLOCK', 'BIND', 'REBIND', 'UNBIND', 'ACL', 'REPORT', 'MKACTIVITY'])
  .concat(['CHECKOUT', 'MERGE', 'M-SEARCH', 'NOTIFY', 'SUBSCRIBE', 'UNSUBSCRIBE', 'PATCH', 'PURGE', 'MKCALENDAR'])
  .concat(['LINK', 'UNLINK', 'SOURCE', 'QUERY']);

for (const method of KNOWN) {
  const target = method === 'CONNECT' ? 'x:1' : '/';
  const { messages } = readWithLlhttp(Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: x\r\n\r\n`), 'request');
  if (messages[0]) METHODS.set(Number(messages[0].method), method);
}
