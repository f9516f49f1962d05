import {
  type Fields,
  isTokenChar,
  listItems,
  type NameTable,
  REQUEST_NAMES,
  RESPONSE_NAMES,
  readFields,
} from './fields.ts';

/** Why a request is not passed on: the status for the client, the reason for the log. */
export class Refusal {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string) {
    this.status = status;
    this.reason = reason;
  }
}

export interface RequestHead {
  method: string;
  /** Origin-form as received, or `*`. */
  target: string;
  /** HTTP/1.x */
  minor: 0 | 1;
  /** As received or, for an absolute target, as named there. Empty only in HTTP/1.0. */
  host: string;
  /** The client wants this connection kept. */
  keepAlive: boolean;
  /** A websocket is asked for. */
  upgrade: boolean;
  fields: Fields;
  /** What `fields` was read from. */
  block: string;
}

export interface ResponseHead {
  status: number;
  reason: string;
  minor: 0 | 1;
  /** The server keeps its connection. */
  keepAlive: boolean;
  /** Written again for a client of HTTP/1.1 that keeps its connection, it would be the same to the letter. */
  untouched: boolean;
  fields: Fields;
}

/** What frames a request and asks for more than an answer, ready for its next hop. */
export function framingLines({ fields, minor, upgrade }: RequestHead): string {
  const framing = fields.chunked
    ? 'Transfer-Encoding: chunked\r\n'
    : fields.contentLength >= 0
      ? `Content-Length: ${fields.contentLength}\r\n`
      : '';
  const expect = fields.expect !== '' && minor === 1 ? `Expect: ${fields.expect}\r\n` : '';
  return `${framing}${expect}${upgrade ? 'Connection: Upgrade\r\nUpgrade: websocket\r\n' : ''}`;
}

/** End of a head. */
export const HEAD_END = Buffer.from('\r\n\r\n');

/** A head is hardly ever longer, and its end is found faster in text, which is needed anyway, than in bytes. */
const FIRST = 2048;

/** What a head that begins at `at` most probably lies in. */
export function firstText(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at, Math.min(bytes.length, at + FIRST));
}

/** Browsers send thirty. Node's HTTP forgets all behind the thousandth, and ours, which say who asks, come last. */
const MAX_FIELDS = 200;

// No whitespace, controls, bytes above ASCII or fragment. Browsers leave `|{}^` and friends as they are, so those pass.
const TARGET = /^[!-"$-~]+$/;
const HOST = /^[A-Za-z0-9.\-_~%!$&'()*+;=]+(?::[0-9]*)?$|^\[[0-9A-Fa-f:.]+\](?::[0-9]*)?$/;
const ABSOLUTE = /^https?:\/\/([^/?]+)(.*)$/i;

/**
 * Reads a request head, `text` being latin1 and ending with the empty line. Never throws.
 * @param before the last head of the same connection: browsers repeat their fields, and what is the same to the letter
 *   was read already
 * @param names of the fields to take out
 */
export function parseRequestHead(
  text: string,
  before?: RequestHead,
  names: NameTable = REQUEST_NAMES,
): RequestHead | Refusal {
  const lineEnd = text.indexOf('\r\n');
  const space = text.indexOf(' ');
  const second = text.indexOf(' ', space + 1);
  if (space <= 0 || second < 0 || second > lineEnd) return new Refusal(400, 'malformed request line');
  const method = text.slice(0, space);
  const block = text.slice(lineEnd + 2);
  if (before !== undefined && before.block === block && before.method === method) {
    const target = text.slice(space + 1, second);
    // Only where nothing but the path can differ: what else the head says was judged with the fields.
    if (before.minor === 1 && before.host === before.fields.host && text.startsWith(' HTTP/1.1\r\n', second)) {
      if (target.charCodeAt(0) === 0x2f && TARGET.test(target)) return repeated(before, target);
    }
  }
  for (let at = 0; at < space; at++) {
    if (!isTokenChar(text.charCodeAt(at))) return new Refusal(400, 'malformed method');
  }
  const version = text.slice(second + 1, lineEnd);
  const minor = version === 'HTTP/1.1' ? 1 : version === 'HTTP/1.0' ? 0 : undefined;
  if (minor === undefined) {
    return /^HTTP\/[0-9]\.[0-9]$/.test(version)
      ? new Refusal(505, 'unsupported HTTP version')
      : new Refusal(400, 'malformed HTTP version');
  }
  let target = text.slice(space + 1, second);
  if (!TARGET.test(target)) return new Refusal(400, 'malformed request target');
  if (method === 'CONNECT' || method === 'TRACE') return new Refusal(405, `${method} is not offered`);

  const fields = readFields(text, lineEnd + 2, names);
  if (fields.problem !== '') return new Refusal(400, fields.problem);
  if (fields.count > MAX_FIELDS) return new Refusal(431, 'too many fields');
  let host = fields.host;
  if (host === undefined && minor === 1) return new Refusal(400, 'no Host');
  host ??= '';
  if ((host !== '' || minor === 1) && !HOST.test(host)) return new Refusal(400, 'malformed Host');

  if (target.charCodeAt(0) !== 0x2f) {
    const absolute = ABSOLUTE.exec(target);
    if (absolute) {
      // RFC 9112 §3.2.2: the target's authority counts, whatever Host says.
      host = absolute[1]!;
      if (!HOST.test(host)) return new Refusal(400, 'malformed authority');
      const rest = absolute[2]!;
      target = rest.startsWith('/') ? rest : `/${rest}`;
    } else if (target !== '*' || method !== 'OPTIONS') {
      return new Refusal(400, 'request target is not a path');
    }
  }
  if (minor === 0 && fields.chunked) return new Refusal(400, 'Transfer-Encoding in HTTP/1.0');
  if (fields.expect !== '' && fields.expect !== '100-continue') return new Refusal(417, 'unknown expectation');

  const options = fields.connection === '' ? [] : listItems(fields.connection);
  // Other protocols, h2c above all, would carry requests past the proxy: asked for or not, the request is plain HTTP.
  const upgrade =
    minor === 1 && method === 'GET' && options.includes('upgrade') && listItems(fields.upgrade).includes('websocket');
  if (upgrade && (fields.chunked || fields.contentLength > 0)) return new Refusal(400, 'websocket request with a body');
  const keepAlive = minor === 1 ? !options.includes('close') : options.includes('keep-alive');
  return { method, target, minor, host, keepAlive, upgrade, fields, block };
}

function repeated(before: RequestHead, target: string): RequestHead {
  const { method, minor, host, keepAlive, upgrade, fields, block } = before;
  return { method, target, minor, host, keepAlive, upgrade, fields, block };
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: ([\t -~\x80-\xff]*))?$/;
const USUAL = ['HTTP/1.1 200 OK', '1', '200', 'OK'];

/**
 * Reads the head of a server's answer; a string says what is wrong with it. Never throws.
 * @param fromServer answered by a person's server rather than the hub
 */
export function parseResponseHead(text: string, fromServer: boolean): ResponseHead | string {
  const lineEnd = text.indexOf('\r\n');
  // By far the most frequent line.
  const usual = lineEnd === 15 && text.startsWith('HTTP/1.1 200 OK');
  const line = usual ? USUAL : STATUS_LINE.exec(text.slice(0, lineEnd));
  if (!line) return 'malformed status line';
  const minor = line[1] === '1' ? 1 : 0;
  const fields = readFields(text, lineEnd + 2, RESPONSE_NAMES, fromServer);
  if (fields.problem !== '') return fields.problem;
  if (minor === 0 && fields.chunked) return 'Transfer-Encoding in HTTP/1.0';
  // They came with HTTP/1.1; a client that takes it for the answer would take the answer for the next one's.
  if (minor === 0 && line[2]!.startsWith('1')) return 'an interim answer in HTTP/1.0';
  const status = Number(line[2]);
  // That nothing follows 100 to 103, whatever their fields say, everybody knows; of the others llhttp believes their fields.
  if (status > 103 && status < 200 && (fields.chunked || fields.contentLength > 0)) {
    return 'an interim answer with a body';
  }
  const options = fields.connection === '' ? [] : listItems(fields.connection);
  const keepAlive = minor === 1 ? !options.includes('close') : options.includes('keep-alive');
  const untouched = minor === 1 && line[3] !== undefined && fields.untouched;
  return { status, reason: line[3] ?? '', minor, keepAlive, untouched, fields };
}
