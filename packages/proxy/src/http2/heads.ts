import { isUtf8 } from 'node:buffer';
import { type OutgoingHttpHeaders, sensitiveHeaders } from 'node:http2';
import { isTokenChar } from '../fields.ts';
import type { ResponseHead } from '../head.ts';

/** Fields of a connection, which HTTP/2 has other means for; in a message they make it malformed (RFC 9113 §8.2.2). */
const OF_CONNECTION = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);
/** Text of a field: no control character but the tab. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

const ASCII = /^[\t\x20-\x7e]*$/;

/**
 * The head of a request of HTTP/2 as one of HTTP/1.1 with the empty line at its end, to be read as strictly as any other.
 * Undefined when it is malformed.
 * @param raw names and values by turns, pseudo fields among them
 * @param hasBody it does not end with its head
 */
export function requestHeadText(
  raw: readonly string[],
  hasBody: boolean,
): { text: string; method: string; chunked: boolean } | undefined {
  const pseudo: Record<string, string> = {};
  const cookies: string[] = [];
  let host: string | undefined;
  let lines = '';
  let length = false;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!;
    const value = raw[at + 1]!;
    if (!VALUE.test(value)) return undefined;
    if (name.startsWith(':')) {
      if (name in pseudo) return undefined;
      pseudo[name] = value;
    } else if (name === '' || !isToken(name) || OF_CONNECTION.has(name)) return undefined;
    // In HTTP/2 a cookie may come in crumbs (RFC 9113 §8.2.3).
    else if (name === 'cookie') cookies.push(value);
    else if (name === 'host') host = value;
    else {
      length ||= name === 'content-length';
      lines += `${name}: ${value}\r\n`;
    }
  }
  const { ':method': method = '', ':path': path = '', ':authority': authority = host ?? '' } = pseudo;
  if (host !== undefined && host !== authority) return undefined;
  // Spaces would make another request line of it; the rest of what may stand there is judged with the line.
  if (!isToken(method) || path === '' || path.includes(' ')) return undefined;
  if (cookies.length > 0) lines += `cookie: ${cookies.join('; ')}\r\n`;
  const chunked = hasBody && !length;
  if (chunked) lines += 'transfer-encoding: chunked\r\n';
  return { text: `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n${lines}\r\n`, method, chunked };
}

/** Node writes fields of HTTP/2 as UTF-8; what is UTF-8 already, read byte by byte, must not become that twice. */
function asText(value: string): string {
  if (ASCII.test(value)) return value;
  const bytes = Buffer.from(value, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : value;
}

function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (!isTokenChar(text.charCodeAt(at))) return false;
  return text !== '';
}

/** The fields of an answer, as HTTP/2 writes them. */
export function answerHeaders({ status, fields }: ResponseHead): OutgoingHttpHeaders {
  // Without what every object has: a field may be called `constructor`.
  const headers: OutgoingHttpHeaders = Object.assign(Object.create(null), { ':status': status });
  for (const line of fields.kept.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = asText(line.slice(colon + 1).trim());
    if (OF_CONNECTION.has(name)) continue;
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else headers[name] = [...(Array.isArray(before) ? before : [String(before)]), value];
  }
  if (fields.contentLength >= 0 && status !== 204) headers['content-length'] = String(fields.contentLength);
  // Never in a table that one can guess at by the size of later answers (RFC 7541 §7.1.3).
  return headers['set-cookie'] === undefined ? headers : { ...headers, [sensitiveHeaders]: ['set-cookie'] };
}
