import { BodyReader, badLineEnd } from '../body.ts';
import { passedOnLines } from '../forwarded.ts';
import { parseRequestHead, parseResponseHead, Refusal, type RequestHead, type ResponseHead } from '../head.ts';
import { LIMITS } from '../running.ts';
import type { Message } from './llhttp.ts';

/** How the proxy reads what a client or a server sent. */
export interface Reading {
  messages: Message[];
  /** Why it reads no further; empty when it would. */
  refused: string;
  /** A websocket was asked for, or granted: what follows is no longer HTTP. */
  upgrade: boolean;
  /** What a server gets of it: heads as they are written again, bodies with their trailers put right. */
  passedOn: string;
}

/** Gives the next piece's length; undefined for all at once. */
export type Cuts = (() => number) | undefined;

const CLIENT = { peer: '192.0.2.1', trusted: false, secure: false };

/** Reads requests as a connection does, head after head and body after body, by the same parsers. */
export function readRequests(bytes: Buffer, cuts?: Cuts): Reading {
  const reading: Reading = { messages: [], refused: '', upgrade: false, passedOn: '' };
  let before: RequestHead | undefined;
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] === 0x0d && bytes[at + 1] === 0x0a) {
      at += 2;
      continue;
    }
    const text = bytes.toString('latin1', at);
    const end = text.indexOf('\r\n\r\n');
    if ((end < 0 ? text.length : end + 4) > LIMITS.headBytes) return refused(reading, 'head too large');
    if (end < 0) return badLineEnd(`\n${text}`) ? refused(reading, 'stray line end') : reading;
    const head = parseRequestHead(text.slice(0, end + 4), before);
    if (head instanceof Refusal) return refused(reading, head.reason);
    before = head;
    at += end + 4;
    const { method, target, minor, fields } = head;
    const message: Message = {
      method,
      target,
      status: 0,
      reason: '',
      minor,
      fields: keptFields(fields.kept),
      body: '',
      complete: false,
    };
    reading.messages.push(message);
    const host = head.host === '' ? 'local' : head.host;
    reading.passedOn += `${method} ${target}${passedOnLines(head, host, CLIENT)}\r\n`;
    reading.upgrade = head.upgrade;
    const body = readBody(bytes, at, fields.chunked, () => BodyReader.ofRequest(fields), cuts);
    message.body = body.content;
    message.complete = body.done;
    reading.passedOn += body.raw;
    if (body.end < 0) return refused(reading, 'malformed body');
    at = body.end;
    // Whether what follows is HTTP is the server's to say; behind a last request nothing is read.
    if (head.upgrade || !head.keepAlive) return reading;
  }
  return reading;
}

/** Reads the answers to one request: interim ones, and the one that counts. @param ended the server closed behind it */
export function readAnswer(bytes: Buffer, asked: string, ended: boolean, cuts?: Cuts): Reading {
  const reading: Reading = { messages: [], refused: '', upgrade: false, passedOn: '' };
  let at = 0;
  while (true) {
    const text = bytes.toString('latin1', at);
    const end = text.indexOf('\r\n\r\n');
    if ((end < 0 ? text.length : end + 4) > LIMITS.headBytes) return refused(reading, 'head too large');
    if (end < 0) return reading;
    const head = parseResponseHead(text.slice(0, end + 4), false);
    if (typeof head === 'string') return refused(reading, head);
    at += end + 4;
    const { status, reason, minor, fields } = head;
    const kept = keptFields(fields.kept);
    const message: Message = { method: '', target: '', status, reason, minor, fields: kept, body: '', complete: true };
    reading.messages.push(message);
    if (status === 101) {
      reading.upgrade = true;
      return reading;
    }
    if (status < 200) continue;
    const body = readBody(bytes, at, fields.chunked, () => BodyReader.ofResponse(fields, status, asked), cuts);
    message.body = body.content;
    message.complete = body.done || (ended && bodyEndsWithConnection(head, asked));
    reading.passedOn = body.raw;
    if (body.end < 0) return refused(reading, 'malformed body');
    return reading;
  }
}

function bodyEndsWithConnection(head: ResponseHead, asked: string): boolean {
  return BodyReader.ofResponse(head.fields, head.status, asked).untilClose;
}

function refused(reading: Reading, why: string): Reading {
  reading.refused = why;
  return reading;
}

/** Field lines as names and values, blanks around values left out. */
function keptFields(kept: string): [string, string][] {
  return kept
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, '')];
    });
}

/**
 * Reads one body twice, as it is passed on and taken apart: `raw` is the one, `content` the other. `end` is -1 when its
 * framing is broken.
 */
function readBody(
  bytes: Buffer,
  from: number,
  chunked: boolean,
  reader: () => BodyReader,
  cuts: Cuts,
): { raw: string; content: string; end: number; done: boolean } {
  const passing = reader();
  let raw = '';
  const end = run(passing, bytes, from, cuts, (piece) => {
    raw += piece.toString('latin1', 0, passing.rawEnd) + passing.tail;
  });
  const apart = reader();
  let content = '';
  apart.onContent = (piece) => {
    content += piece.toString('latin1');
  };
  const again = run(apart, bytes, from, undefined, () => undefined);
  if (again !== end || apart.done !== passing.done) throw new Error('a body ends elsewhere when it is taken apart');
  return { raw, content: chunked ? content : raw, end, done: passing.done };
}

function run(body: BodyReader, bytes: Buffer, from: number, cuts: Cuts, passed: (piece: Buffer) => void): number {
  let at = from;
  while (!body.done && at < bytes.length) {
    const piece = bytes.subarray(at, cuts ? at + cuts() : undefined);
    const used = body.read(piece, 0);
    if (used < 0) return -1;
    passed(piece);
    at += used;
    if (used < piece.length && !body.done) throw new Error('a body that is not done left bytes');
  }
  return at;
}
