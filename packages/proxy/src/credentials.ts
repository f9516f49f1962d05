import { hash } from 'node:crypto';
import type { RequestHead } from './head.ts';

/**
 * The hub's tokens in a request, read where notebook servers read them: the header, the query, and the cookie that a
 * server gives its visitors, which holds the token in Tornado's signed form. The proxy trusts none of them; it only tells
 * them apart.
 */

/**
 * What Python takes for white space in a header, where JavaScript leaves out 0x85; other controls never get this far. The
 * servers' readers strip and split by it, and two of them that disagree would make two tokens of one.
 */
const HEADER = /^(?:token|bearer)[\s\x85]+(.+)$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: Python strips those as well
const OUTER_BLANKS = /^[\s\x1c-\x1f\x85]+|[\s\x1c-\x1f\x85]+$/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those are what Tornado makes blanks of
const CONTROLS = /[\x00-\x08\x0e-\x1f]/g;
const ABOVE_ASCII = /[\x80-\xff]+/g;
/** `2|1:<key version>|<length>:<time>|<length>:<name>|<length>:<base64 of the token>|<signature>` (contract §2.5). */
const SIGNED = /^2\|\d+:\d*\|\d+:\d*\|\d+:[^|]*\|\d+:([A-Za-z0-9+/=]*)\|/;

export function tokenHash(token: string): string {
  return hash('sha256', token, 'hex');
}

/** As Python's `str.strip`. */
const strip = (text: string) => text.replace(OUTER_BLANKS, '');

function ofHeader(value: string): string | undefined {
  const token = HEADER.exec(strip(value))?.[1];
  return token === undefined ? undefined : strip(token);
}

function ofCookie(pair: string): string | undefined {
  const value = SIGNED.exec(unquote(strip(pair.slice(pair.indexOf('=') + 1))))?.[1];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('latin1');
}

/** The token in one field of a query, `name=value` as it was sent, read as Tornado's `get_argument` does. */
function ofQuery(field: string): string | undefined {
  const at = field.indexOf('=');
  if (at < 0 || unescaped(field.slice(0, at)) !== 'token') return undefined;
  const value = Buffer.from(unescaped(field.slice(at + 1)), 'latin1').toString('utf8');
  return strip(value.replace(CONTROLS, ' '));
}

/** The bytes that are meant, one per character. What is no escape stays as it is. */
function unescaped(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** As the readers of cookies behind us do it, so that no spelling of a token passes for something else. */
function unquote(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  return text.slice(1, -1).replace(/\\([0-3][0-7][0-7])|\\(.)/g, (_, octal: string | undefined, char: string) => {
    return octal === undefined ? char : String.fromCharCode(Number.parseInt(octal, 8));
  });
}

const nameOf = (line: string) => line.slice(0, line.indexOf(':')).toLowerCase();
const textOf = (line: string) => line.slice(line.indexOf(':') + 1).trim();
const isAscii = (text: string) => text.search(ABOVE_ASCII) < 0;
const linesOf = ({ fields }: RequestHead) => fields.kept.split('\r\n').filter((line) => line !== '');

/** Hashes of every token in the request. */
export function tokensIn(head: RequestHead): string[] {
  const found: (string | undefined)[] = [];
  for (const line of linesOf(head)) {
    const name = nameOf(line);
    if (name === 'authorization') found.push(ofHeader(textOf(line)));
    else if (name === 'cookie') found.push(...textOf(line).split(';').map(ofCookie));
  }
  found.push(...queryOf(head.target).map(ofQuery));
  return found.filter((token) => token !== undefined && token !== '').map((token) => tokenHash(token as string));
}

function queryOf(target: string): string[] {
  const at = target.indexOf('?');
  return at < 0 ? [] : target.slice(at + 1).split('&');
}

/**
 * The request, for a server that somebody is barred from: without the tokens that `isBarred` names by hash, and without
 * what could hide one. The same object when there is nothing to take out.
 */
export function withoutTokens(head: RequestHead, isBarred: (hash: string) => boolean): RequestHead {
  const bad = (token: string | undefined) => token !== undefined && token !== '' && isBarred(tokenHash(token));
  const before = linesOf(head);
  const lines = before.flatMap((line) => {
    const name = nameOf(line);
    if (name === 'authorization') return hidesInHeader(textOf(line)) || bad(ofHeader(textOf(line))) ? [] : [line];
    if (name === 'sec-fetch-mode') return speaksOfSockets(textOf(line)) && !head.upgrade ? [] : [line];
    if (name !== 'cookie') return [line];
    const pairs = textOf(line).split(';');
    const kept = pairs.filter((pair) => !hidesInCookie(pair) && !bad(ofCookie(pair)));
    return kept.length === pairs.length ? [line] : kept.length === 0 ? [] : [`Cookie: ${kept.join(';').trim()}`];
  });
  const target = cleanTarget(head.target, bad);
  if (target === head.target && lines.every((line, at) => line === before[at]) && lines.length === before.length) {
    return head;
  }
  const fields = { ...head.fields, kept: lines.map((line) => `${line}\r\n`).join('') };
  return { ...head, fields, target };
}

/** No token has such bytes: they are blanks to one reader and letters to another, according to how each decodes them. */
const hidesInHeader = (value: string) => !isAscii(value);

/** The same around a signed token. Other cookies may hold what they like. */
function hidesInCookie(pair: string): boolean {
  const value = pair.slice(pair.indexOf('=') + 1);
  return !isAscii(value) && ofCookie(`=${value.replace(ABOVE_ASCII, '')}`) !== undefined;
}

/**
 * In a request that says it opens a websocket, servers look for a token in the arguments, and a form in the body counts
 * among those. The body is not read here, so only what has none, a request for a websocket, may say so.
 */
const speaksOfSockets = (mode: string) => mode.toLowerCase().includes('websocket');

function cleanTarget(target: string, bad: (token: string | undefined) => boolean): string {
  const fields = queryOf(target);
  const kept = fields.filter((field) => !bad(ofQuery(field)));
  if (kept.length === fields.length) return target;
  const path = target.slice(0, target.indexOf('?'));
  return kept.length === 0 ? path : `${path}?${kept.join('&')}`;
}
