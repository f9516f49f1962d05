/**
 * Header fields of one message, read strictly (RFC 9112 §5) in a single pass. What the proxy must act on is taken out;
 * everything else stays as the text it was, so that most of a head is passed on without being rebuilt.
 */

const TOKEN = 1;
const VALUE = 2;

/** Per byte: may it stand in a token (field name, method), in a field value. Controls but tab are in neither. */
const CHARS = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  CHARS[char.charCodeAt(0)]! |= TOKEN;
}
for (let code = 0x20; code < 0x100; code++) if (code !== 0x7f) CHARS[code]! |= VALUE;
CHARS[0x09]! |= VALUE;

export function isTokenChar(code: number): boolean {
  return (CHARS[code]! & TOKEN) !== 0;
}

/** What is taken out of a message, and where to. */
type Taken =
  | 'host'
  | 'contentLength'
  | 'transferEncoding'
  | 'connection'
  | 'upgrade'
  | 'expect'
  | 'keepAlive'
  | 'forwardedFor'
  | 'forwardedProto'
  | 'forwardedHost'
  | 'forwardedPort'
  | 'drop'
  | 'dropFromServer'
  | 'cookieFromServer';

/** Names that may be compared by setting a bit, which `_` and `^` lack, and whose hint tells their length. */
const SIMPLE = /^[a-z0-9-]{1,63}$/;

/**
 * A set of names that is asked for each field of each message: length and first letter rule out nearly all, the rest is
 * compared where it stands. A map would want a string of its own for each question.
 */
export class NameTable {
  /** By hint. */
  readonly #places = new Uint8Array(2048);
  readonly #candidates: { name: string; taken: Taken; simple: boolean }[][] = [[]];

  readonly #alike: boolean;

  /**
   * @param names tokens, lower case
   * @param alike a name that differs by underscores for hyphens only is dropped: to programs behind WSGI or CGI, where
   *   X-Real-IP and X_Real_IP are both HTTP_X_REAL_IP, it is the same
   */
  constructor(names: Readonly<Record<string, Taken>>, alike = false) {
    this.#alike = alike;
    for (const [name, taken] of Object.entries(names)) {
      const hint = NameTable.#hint(name.length, name.charCodeAt(0));
      const place = this.#places[hint] || this.#candidates.push([]) - 1;
      this.#places[hint] = place;
      this.#candidates[place]!.push({ name, taken, simple: SIMPLE.test(name) });
    }
  }

  /** @param text holds token characters only between `from` and `to` */
  get(text: string, from: number, to: number): Taken | undefined {
    const place = this.#places[NameTable.#hint(to - from, text.charCodeAt(from))]!;
    if (place === 0) return undefined;
    for (const { name, taken, simple } of this.#candidates[place]!) {
      if (!simple) {
        if (text.slice(from, to).toLowerCase() === name) return taken;
        continue;
      }
      let at = 0;
      // Of token characters, only a letter's upper case becomes that letter by this bit, and only the hyphen a hyphen.
      while (at < name.length && (text.charCodeAt(from + at) | 0x20) === name.charCodeAt(at)) at++;
      if (at === name.length) return taken;
      if (this.#alike && text.charCodeAt(from + at) === 0x5f && isAlike(text, from + at, name, at)) return 'drop';
    }
    return undefined;
  }

  /** The lowest five bits are the same for both cases of a letter. */
  static #hint(length: number, first: number): number {
    return length < 64 ? (length << 5) | (first & 31) : 0;
  }
}

/** The rest of a name, `_` being taken for `-`. */
function isAlike(text: string, from: number, name: string, at: number): boolean {
  const rest = text.slice(from, from + name.length - at);
  return rest.replaceAll('_', '-').toLowerCase() === name.slice(at);
}

/** Fields that speak to the next hop only (RFC 9110 §7.6.1), and those whose value the proxy itself vouches for. */
export const REQUEST_TAKEN = {
  host: 'host', // written first, from the request target when that names one
  'content-length': 'contentLength', // framing: checked, then written again
  'transfer-encoding': 'transferEncoding', // framing of this hop
  connection: 'connection', // names this hop's own fields
  upgrade: 'upgrade', // ours to grant: only `websocket` is passed on
  expect: 'expect', // checked, then written again: only `100-continue` exists
  'keep-alive': 'drop', // parameters of the client's connection
  'proxy-connection': 'drop', // old misspelling of `Connection` that some clients still send
  'proxy-authorization': 'drop', // a secret meant for a proxy, never for a server behind it
  'proxy-authenticate': 'drop', // means nothing in a request
  te: 'drop', // what the client's connection accepts as coding; ours to the server speaks for itself
  'x-forwarded-for': 'forwardedFor', // who the client is: the proxy says so, a client cannot
  'x-forwarded-proto': 'forwardedProto',
  'x-forwarded-host': 'forwardedHost',
  'x-forwarded-port': 'forwardedPort',
  'x-forwarded-prefix': 'drop', // the rest of the family: nothing here sets them, some frameworks believe them
  'x-forwarded-server': 'drop',
  'x-forwarded-ssl': 'drop',
  'x-forwarded-scheme': 'drop',
  'x-forwarded-user': 'drop',
  forwarded: 'drop', // RFC 7239: same claim in another notation
  'x-real-ip': 'drop', // tornado believes these two before X-Forwarded-*
  'x-scheme': 'drop',
  'x-atrium-repeat': 'drop', // the proxy's word to the hub that it asks again
  'x-request-id': 'drop', // ours, so that one id in a page, a log and a report is one request
} as const satisfies Readonly<Record<string, Taken>>;

export const REQUEST_NAMES = new NameTable(REQUEST_TAKEN, true);

export const RESPONSE_NAMES = new NameTable({
  'content-length': 'contentLength',
  'transfer-encoding': 'transferEncoding',
  connection: 'connection',
  upgrade: 'upgrade', // only a 101 that was asked for passes it on
  'keep-alive': 'keepAlive', // how long the server keeps its idle connection: for the pool, not for the client
  'proxy-connection': 'drop',
  'proxy-authenticate': 'drop', // would make a browser ask for a password in the proxy's name
  te: 'drop',
  // Answers of a person's server share their origin with the hub's pages; these speak for the whole origin.
  'alt-svc': 'dropFromServer', // would move the whole origin to another address
  'service-worker-allowed': 'dropFromServer', // would let a worker under /user/ada/ take over /hub/
  'strict-transport-security': 'dropFromServer', // would lock everybody out of an installation without TLS
  'clear-site-data': 'dropFromServer', // would sign people out of the hub
  'cross-origin-opener-policy': 'dropFromServer', // the hub's own pages have one: with the same, it could look into them
  nel: 'dropFromServer', // would have browsers report every address of the origin
  'report-to': 'dropFromServer', // says where to
  'set-cookie': 'cookieFromServer', // one of the hub's own would sign its visitors in as somebody else
});

/** The hub's cookies, which only the hub sets. One without a name, whose value looks like one of them, is sent as that. */
const HUB_COOKIE = /^=?[ \t]*(?:__Host-)?jupyterhub-(?:hub-login|session-id|services)[ \t]*=/;

const FRAMING = new NameTable(
  { host: 'host', 'content-length': 'contentLength', 'transfer-encoding': 'transferEncoding' },
  true,
);

/** The outcome of reading a block of fields. `problem` is empty when it is sound. */
export interface Fields {
  problem: string;
  /** Lines to pass on as they were, each with its line end. */
  kept: string;
  /** How many lines. */
  count: number;
  /** Nothing was taken out but framing that would be written again to the letter. */
  untouched: boolean;
  host: string | undefined;
  /** -1 when there is no Content-Length. */
  contentLength: number;
  chunked: boolean;
  /** Lower case, comma-separated, empty when absent. */
  connection: string;
  upgrade: string;
  expect: string;
  keepAlive: string;
  forwardedFor: string;
  forwardedProto: string;
  forwardedHost: string;
  forwardedPort: string;
}

function noFields(): Fields {
  return {
    problem: '',
    kept: '',
    count: 0,
    untouched: true,
    host: undefined,
    contentLength: -1,
    chunked: false,
    connection: '',
    upgrade: '',
    expect: '',
    keepAlive: '',
    forwardedFor: '',
    forwardedProto: '',
    forwardedHost: '',
    forwardedPort: '',
  };
}

/**
 * Reads field lines from `at` to the empty line at the end of `text` (latin1). Refuses what two readers could take
 * differently: bare CR or LF, folded lines, space before the colon, controls in values, repeated Host or Content-Length,
 * a Transfer-Encoding other than one `chunked`, and both lengths at once.
 */
export function readFields(text: string, at: number, names: NameTable, fromServer = false): Fields {
  const fields = noFields();
  const end = text.length - 2;
  let keptFrom = at;
  while (at < end) {
    const line = at;
    fields.count++;
    while (isTokenChar(text.charCodeAt(at))) at++;
    const colon = at;
    if (colon === line || text.charCodeAt(at) !== 0x3a) return refuse(fields, 'malformed field name');
    at++;
    while (text.charCodeAt(at) === 0x20 || text.charCodeAt(at) === 0x09) at++;
    const from = at;
    while ((CHARS[text.charCodeAt(at)]! & VALUE) !== 0) at++;
    let to = at;
    if (text.charCodeAt(at) !== 0x0d || text.charCodeAt(at + 1) !== 0x0a) {
      return refuse(fields, 'control character in a field');
    }
    at += 2;

    const taken = names.get(text, line, colon);
    const onlyFromServer = taken === 'dropFromServer' || taken === 'cookieFromServer';
    if (taken === undefined || (onlyFromServer && !fromServer)) continue;
    if (taken === 'cookieFromServer' && !HUB_COOKIE.test(text.slice(from, to))) continue;
    while (to > from && (text.charCodeAt(to - 1) === 0x20 || text.charCodeAt(to - 1) === 0x09)) to--;
    if (keptFrom < line) fields.kept += text.slice(keptFrom, line);
    keptFrom = at;
    const value = text.slice(from, to);
    take(fields, taken, value);
    // Blanks are no part of a value, but some look for the word at the very end of the line.
    if (taken === 'transferEncoding' && to < at - 2) return refuse(fields, 'Transfer-Encoding other than chunked');
    const asWritten = text.charCodeAt(colon + 1) === 0x20 && from === colon + 2 && to === at - 2;
    if (!asWritten || !isFraming(fields, taken, value)) fields.untouched = false;
    if (fields.problem !== '') return fields;
  }
  if (keptFrom < end) fields.kept += text.slice(keptFrom, end);
  if (fields.chunked && fields.contentLength >= 0) return refuse(fields, 'both Content-Length and Transfer-Encoding');
  return nameless(fields);
}

/** Framing in the one spelling that we write ourselves. */
function isFraming(fields: Fields, taken: Taken, value: string): boolean {
  if (taken === 'contentLength') return value === String(fields.contentLength);
  return taken === 'transferEncoding' && value === 'chunked';
}

function refuse(fields: Fields, problem: string): Fields {
  fields.problem = problem;
  return fields;
}

function take(fields: Fields, taken: Taken, value: string): void {
  switch (taken) {
    case 'host':
      if (fields.host !== undefined) fields.problem = 'more than one Host';
      fields.host = value;
      return;
    case 'contentLength':
      if (fields.contentLength >= 0) fields.problem = 'more than one Content-Length';
      // Fifteen digits stay exact in a double; nothing real is longer.
      else if (!/^[0-9]{1,15}$/.test(value)) fields.problem = 'malformed Content-Length';
      else fields.contentLength = Number(value);
      return;
    case 'transferEncoding':
      if (fields.chunked || value.toLowerCase() !== 'chunked') fields.problem = 'Transfer-Encoding other than chunked';
      fields.chunked = true;
      return;
    case 'connection':
      fields.connection = joined(fields.connection, value.toLowerCase());
      return;
    case 'upgrade':
    case 'expect':
    case 'keepAlive':
      fields[taken] = joined(fields[taken], value.toLowerCase());
      return;
    case 'forwardedFor':
    case 'forwardedProto':
    case 'forwardedHost':
    case 'forwardedPort':
      fields[taken] = joined(fields[taken], value);
      return;
    case 'drop':
    case 'dropFromServer':
    case 'cookieFromServer':
      return;
  }
}

function joined(before: string, value: string): string {
  return before === '' ? value : `${before}, ${value}`;
}

/** Takes out what `Connection` names. It may not name what frames or routes the message: two readers would differ. */
function nameless(fields: Fields): Fields {
  const { connection } = fields;
  if (connection === '' || connection === 'keep-alive' || connection === 'close' || connection === 'upgrade') {
    return fields;
  }
  const extra = listItems(connection).filter((name) => !['keep-alive', 'close', 'upgrade'].includes(name));
  if (extra.some((name) => ['host', 'content-length', 'transfer-encoding'].includes(name))) {
    return refuse(fields, 'Connection names a field that frames the message');
  }
  if (extra.length > 0) {
    const lines = fields.kept.split('\r\n').filter((line) => {
      return line !== '' && !extra.includes(line.slice(0, line.indexOf(':')).toLowerCase());
    });
    fields.kept = lines.map((line) => `${line}\r\n`).join('');
  }
  return fields;
}

/** The items of a comma-separated list, without blanks. */
export function listItems(list: string): string[] {
  return list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** Must not arrive after the body: by then they were decided on, or would be believed without having been seen. */
const NOT_A_TRAILER =
  /^(?:content-(?:type|encoding|range)|connection|upgrade|expect|te|trailer|cookie|set-cookie2?|authorization|proxy-.*|x-forwarded-.*|forwarded|x-real-ip|x-scheme|x-request-id|x-atrium-repeat|cache-control|max-forwards|age|date|expires|location|vary|www-authenticate)$/;

/**
 * A trailer section (field lines and the empty line) as it may be passed on, or undefined when it is malformed.
 * @param text ends with CRLF CRLF
 */
export function cleanTrailer(text: string): string | undefined {
  const fields = readFields(text, 0, FRAMING);
  // Too late to frame anything: whoever sends that wants somebody to be taken in.
  if (fields.problem !== '' || fields.kept.length !== text.length - 2) return undefined;
  const lines = fields.kept.split('\r\n').filter((line) => {
    return line !== '' && !NOT_A_TRAILER.test(line.slice(0, line.indexOf(':')).toLowerCase().replaceAll('_', '-'));
  });
  return `${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

/** The value of a field that was kept, for the rare case (an error page) that needs one. */
export function keptValue(kept: string, name: string): string | undefined {
  const line = kept.split('\r\n').find((candidate) => candidate.slice(0, name.length + 1).toLowerCase() === `${name}:`);
  return line?.slice(name.length + 1).trim();
}
