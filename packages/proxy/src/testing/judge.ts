import { isDeepStrictEqual } from 'node:util';
import { listItems, REQUEST_NAMES, RESPONSE_NAMES } from '../fields.ts';
import { type LlhttpReading, type Message, readWithLlhttp } from './llhttp.ts';
import { type Cuts, type Reading, readAnswer, readRequests } from './readings.ts';

/** What two readers made of the same bytes, and what is wrong with that; `problem` is empty when nothing is. */
export interface Verdict {
  problem: string;
  /** What was seen, in a few words: inputs that differ in it are worth keeping apart. */
  signature: string;
}

/** What llhttp refuses and we pass on, each harmless: it ends the connection, and no byte of it is another message. */
const STRICTER = [
  // A method that Node does not know.
  /^HPE_INVALID_METHOD/,
  // `SOURCE` is a method of another protocol to it.
  /^HPE_INVALID_CONSTANT/,
  // An interim answer with `Connection: close`, a field that is not passed on.
  /^HPE_CLOSED_CONNECTION/,
];

/**
 * Judges what the proxy makes of bytes from a client, with llhttp as the other reader: of the bytes themselves, and of
 * what a server would get of them.
 */
export function judgeRequests(bytes: Buffer, cuts: Cuts): Verdict {
  const ours = readRequests(bytes);
  const { problem, signature } = compareRequests(ours, bytes);
  return { problem: sameInPieces(ours, readRequests(bytes, cuts)) || problem, signature };
}

/** Compares a reading of requests with llhttp's, of the same bytes and of what the reading passes on. */
export function compareRequests(ours: Reading, bytes: Buffer): Verdict {
  const direct = readWithLlhttp(bytes, 'request');
  const behind = readWithLlhttp(Buffer.from(ours.passedOn, 'latin1'), 'request');
  const signature = [
    ours.messages.map(({ method, complete }) => `${method.length > 8 ? '?' : method}${complete ? '' : '…'}`).join(),
    ours.refused,
    direct.messages.length,
    direct.error,
    behind.error,
  ].join('|');
  const problem =
    problemWith(ours, direct, 'of the same bytes', sameRequest) || problemBehind(ours, behind) || problemOfOwn(ours);
  return { problem, signature };
}

/** Judges what the proxy makes of bytes from a server. */
export function judgeAnswer(bytes: Buffer, asked: 'GET' | 'HEAD', ended: boolean, cuts: Cuts): Verdict {
  const ours = readAnswer(bytes, asked, ended);
  const { problem, signature } = compareAnswer(ours, bytes, asked, ended);
  return { problem: sameInPieces(ours, readAnswer(bytes, asked, ended, cuts)) || problem, signature };
}

/** Compares a reading of an answer with llhttp's. */
export function compareAnswer(ours: Reading, bytes: Buffer, asked: 'GET' | 'HEAD', ended: boolean): Verdict {
  const direct = readWithLlhttp(bytes, 'response', { asked, ended });
  const signature = [
    ours.messages.map(({ status, complete }) => `${Math.floor(status / 100)}${complete ? '' : '…'}`).join(),
    ours.refused,
    direct.messages.length,
    direct.error,
  ].join('|');
  // What follows an answer is never passed on: the connection ends.
  const counted = { ...direct, messages: direct.messages.slice(0, ours.messages.length) };
  const problem = problemWith(ours, counted, 'of it', sameAnswer);
  return { problem, signature };
}

function sameInPieces(whole: Reading, pieces: Reading): string {
  // How much of a broken body went out before it was seen to be broken is a matter of pieces.
  const settled = (reading: Reading) =>
    reading.refused === '' ? reading : { refused: reading.refused, heads: reading.messages.length };
  return isDeepStrictEqual(settled(whole), settled(pieces)) ? '' : 'read otherwise when it comes in pieces';
}

function problemWith(
  ours: Reading,
  theirs: LlhttpReading,
  of: string,
  same: (ours: Message, theirs: Message) => string,
): string {
  for (const [at, message] of ours.messages.entries()) {
    const other = theirs.messages[at];
    if (!other) {
      if (theirs.upgrade || STRICTER.some((known) => known.test(theirs.error))) return '';
      return `llhttp makes no message ${at + 1} ${of}: ${theirs.error || 'it waits'}`;
    }
    const wrong = same(message, other);
    if (wrong !== '') return `message ${at + 1} ${of}: ${wrong}`;
    const last = at === ours.messages.length - 1;
    // A body that we refuse may have had a sound beginning, and what asks for another protocol ends there for llhttp.
    if (last && (ours.refused !== '' || ours.upgrade || theirs.upgrade)) return '';
    if (message.complete !== other.complete) {
      return `message ${at + 1} ${of}: complete for ${message.complete ? 'us' : 'llhttp'} only; ${theirs.error}`;
    }
    if (message.body !== other.body) {
      return `message ${at + 1} ${of}: bodies of ${message.body.length} and ${other.body.length} bytes`;
    }
  }
  if (ours.refused === '' && theirs.messages.length > ours.messages.length) return `llhttp reads more messages ${of}`;
  return '';
}

/** Nothing that is passed on may be read as another number of requests, or as others. */
function problemBehind(ours: Reading, behind: LlhttpReading): string {
  if (behind.messages.length > ours.messages.length) return 'llhttp reads more requests behind us';
  return problemWith({ ...ours, refused: '' }, withoutBroken(ours, behind), 'behind us', (one, other) => {
    if (one.method !== other.method || one.target !== other.target) return 'another method or target';
    const kept = other.fields.slice(1, 1 + one.fields.length);
    return isDeepStrictEqual(kept, one.fields) ? '' : 'other fields';
  });
}

/** A body that we refused went out in part, and must not be whole for anybody. */
function withoutBroken(ours: Reading, behind: LlhttpReading): LlhttpReading {
  const last = behind.messages[ours.messages.length - 1];
  if (ours.refused !== 'malformed body' || !last || last.complete) return behind;
  const messages = [...behind.messages];
  messages[messages.length - 1] = { ...last, body: ours.messages.at(-1)!.body };
  return { ...behind, messages };
}

/** What was passed on, read by ourselves, is what we read before. */
function problemOfOwn(ours: Reading): string {
  const again = readRequests(Buffer.from(ours.passedOn, 'latin1'));
  if (again.refused !== '' && ours.refused === '') return `we refuse what we passed on: ${again.refused}`;
  if (again.messages.length !== ours.messages.length) return 'we read another number of requests behind us';
  const strip = ({ method, target, complete, fields, body }: Message) => ({ method, target, complete, fields, body });
  if (ours.refused !== '') return '';
  return isDeepStrictEqual(again.messages.map(strip), ours.messages.map(strip))
    ? ''
    : 'we read something else behind us';
}

function sameRequest(ours: Message, theirs: Message): string {
  if (ours.method !== theirs.method) return `methods ${ours.method} and ${theirs.method}`;
  if (ours.minor !== theirs.minor) return 'versions';
  // An absolute target is taken apart; everything else stays as it was.
  if (ours.target !== theirs.target && !/^https?:\/\//i.test(theirs.target)) return 'targets';
  const named = new Set(
    theirs.fields
      .filter(([name]) => name.toLowerCase() === 'connection')
      .flatMap(([, value]) => listItems(value.toLowerCase())),
  );
  return sameFields(
    ours.fields,
    theirs.fields.filter(([name]) => {
      return REQUEST_NAMES.get(name, 0, name.length) === undefined && !named.has(name.toLowerCase());
    }),
  );
}

function sameAnswer(ours: Message, theirs: Message): string {
  if (ours.status !== theirs.status) return `statuses ${ours.status} and ${theirs.status}`;
  if (ours.minor !== theirs.minor) return 'versions';
  const named = new Set(
    theirs.fields
      .filter(([name]) => name.toLowerCase() === 'connection')
      .flatMap(([, value]) => listItems(value.toLowerCase())),
  );
  const ownAnswer = (name: string) => {
    const taken = RESPONSE_NAMES.get(name, 0, name.length);
    return taken === undefined || taken === 'dropFromServer' || taken === 'cookieFromServer';
  };
  return sameFields(
    ours.fields,
    theirs.fields.filter(([name]) => ownAnswer(name) && !named.has(name.toLowerCase())),
  );
}

function sameFields(ours: [string, string][], theirs: [string, string][]): string {
  return isDeepStrictEqual(ours, theirs) ? '' : `fields ${JSON.stringify(ours)} and ${JSON.stringify(theirs)}`;
}
