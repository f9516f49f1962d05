import { hash } from 'node:crypto';
import type { RequestHead } from './head.ts';

/**
 * The hub's tokens in a request, read where notebook servers read them: the header, the query, and the cookie that a
 * server gives its visitors, which holds the token in Tornado's signed form. The proxy trusts none of them; it only tells
 * them apart.
 */

const HEADER = /^(?:token|bearer)\s+(.+)$/i;
/** `2|1:<key version>|<length>:<time>|<length>:<name>|<length>:<base64 of the token>|<signature>` (contract §2.5). */
const SIGNED = /^2\|\d+:\d*\|\d+:\d*\|\d+:[^|]*\|\d+:([A-Za-z0-9+/=]*)\|/;

export function tokenHash(token: string): string {
  return hash('sha256', token, 'hex');
}

const ofHeader = (value: string): string | undefined => HEADER.exec(value)?.[1]?.trim();

function ofCookie(pair: string): string | undefined {
  const value = SIGNED.exec(unquote(pair.slice(pair.indexOf('=') + 1).trim()))?.[1];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('latin1');
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
const linesOf = ({ fields }: RequestHead) => fields.kept.split('\r\n').filter((line) => line !== '');

/** Hashes of every token in the request. */
export function tokensIn(head: RequestHead): string[] {
  const found: (string | undefined)[] = [];
  for (const line of linesOf(head)) {
    const name = nameOf(line);
    if (name === 'authorization') found.push(ofHeader(textOf(line)));
    else if (name === 'cookie') found.push(...textOf(line).split(';').map(ofCookie));
  }
  found.push(...queryOf(head.target).getAll('token'));
  return found.filter((token) => token !== undefined && token !== '').map((token) => tokenHash(token as string));
}

function queryOf(target: string): URLSearchParams {
  const at = target.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : target.slice(at + 1));
}

/** The request without the tokens that `isBarred` names by hash; the same object when there are none. */
export function withoutTokens(head: RequestHead, isBarred: (hash: string) => boolean): RequestHead {
  const bad = (token: string | undefined) => token !== undefined && token !== '' && isBarred(tokenHash(token));
  if (!tokensIn(head).some(isBarred)) return head;
  const lines = linesOf(head).flatMap((line) => {
    const name = nameOf(line);
    if (name === 'authorization') return bad(ofHeader(textOf(line))) ? [] : [line];
    if (name !== 'cookie') return [line];
    const pairs = textOf(line).split(';');
    const kept = pairs.filter((pair) => !bad(ofCookie(pair)));
    return kept.length === pairs.length ? [line] : kept.length === 0 ? [] : [`Cookie: ${kept.join(';').trim()}`];
  });
  const fields = { ...head.fields, kept: lines.map((line) => `${line}\r\n`).join('') };
  return { ...head, fields, target: cleanTarget(head.target, bad) };
}

function cleanTarget(target: string, bad: (token: string) => boolean): string {
  const query = queryOf(target);
  const tokens = query.getAll('token');
  if (!tokens.some(bad)) return target;
  query.delete('token');
  for (const token of tokens) if (!bad(token)) query.append('token', token);
  const rest = query.toString();
  const path = target.slice(0, target.indexOf('?'));
  return rest === '' ? path : `${path}?${rest}`;
}
