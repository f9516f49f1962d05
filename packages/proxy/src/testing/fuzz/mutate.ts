import type { Pick } from './chance.ts';

/** What makes readers differ: delimiters, framing, and names that mean something. */
const WORDS = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    '\n\n',
    '\0',
    ' ',
    '\t',
    '\x0b',
    '\x0c',
    '\x7f',
    '\x80',
    '\xa0',
    '\xff',
    '\r\n ',
    '\r\n\t',
  ],
  ...[
    ':',
    ': ',
    ' :',
    ',',
    ';',
    '=',
    '"',
    '/',
    '//',
    '?',
    '#',
    '%',
    '%00',
    '%0d%0a',
    '*',
    '@',
    '[',
    ']',
    '\\',
    '_',
    '-',
    '+',
    '.',
  ],
  ...[
    '0',
    '1',
    '3',
    '00',
    '-1',
    '+1',
    '0x1',
    '1,1',
    '1;',
    '5e0',
    'f',
    'F',
    '0\r\n\r\n',
    '1\r\nx\r\n',
    '7fffffff',
    'ffffffffffffffff',
  ],
  ...[
    '9007199254740993',
    '18446744073709551617',
    '\r\n0\r\n\r\n',
    '3\r\nabc\r\n',
    '3;a=b\r\nabc\r\n',
    '0\r\nX: 1\r\n\r\n',
  ],
  ...[
    'HTTP/1.1',
    'HTTP/1.0',
    'HTTP/0.9',
    'HTTP/2.0',
    'HTTP/1.10',
    'http/1.1',
    ' HTTP/1.1\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  ],
  ...[
    'GET',
    'HEAD',
    'POST',
    'OPTIONS',
    'CONNECT',
    'TRACE',
    'PUT',
    'M-SEARCH',
    'get',
    'http://a',
    'https://b:1/c',
    'a:443',
  ],
  ...[
    'Host: x\r\n',
    'Host: y\r\n',
    'Host:\r\n',
    'Content-Length: 3\r\n',
    'Content-Length: 0\r\n',
    'Content-Length:3\r\n',
  ],
  ...[
    'Content-Length : 3\r\n',
    'Content_Length: 3\r\n',
    'Content-Length: 03\r\n',
    'content-length: 3 \r\n',
    'Content-Length\r\n',
  ],
  ...[
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: Chunked\r\n',
    'transfer-encoding:chunked\r\n',
    'Transfer-Encoding: \r\n',
  ],
  ...[
    'Transfer-Encoding: identity\r\n',
    'Transfer-Encoding: gzip, chunked\r\n',
    'Transfer-Encoding: chunked, \r\n',
    'TE: trailers\r\n',
  ],
  ...[
    'Connection: close\r\n',
    'Connection: keep-alive\r\n',
    'Connection: Upgrade\r\n',
    'Connection: a, b\r\n',
    'Connection: host\r\n',
  ],
  ...[
    'Upgrade: websocket\r\n',
    'Upgrade: h2c\r\n',
    'Expect: 100-continue\r\n',
    'Trailer: X\r\n',
    'Keep-Alive: timeout=5\r\n',
  ],
  ...[
    'Proxy-Connection: x\r\n',
    'X-Forwarded-For: 1\r\n',
    'a: b\r\n',
    'a:b\r\n',
    'a:\r\n',
    ':b\r\n',
    'a b: c\r\n',
    'chunked',
    'websocket',
  ],
  ...[
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 204 No Content\r\n\r\n',
    'HTTP/1.1 304 x\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 103 \r\n\r\n',
  ],
  ...[
    'HTTP/1.1 101 x\r\n',
    'HTTP/1.1 20',
    'HTTP/1.1 999\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\n',
  ],
]; // prettier-ignore

const MAX_LENGTH = 4096;

/** A change of `text` (latin1), small or larger, with pieces of `other` now and then. */
export function mutate(text: string, other: string, pick: Pick): string {
  let changed = text;
  for (let count = 1 + pick(pick(4) === 0 ? 8 : 3); count > 0; count--) changed = change(changed, other, pick);
  return changed.slice(0, MAX_LENGTH);
}

function change(text: string, other: string, pick: Pick): string {
  const at = pick(text.length + 1);
  const word = () => WORDS[pick(WORDS.length)]!;
  switch (pick(11)) {
    case 0:
      return text.slice(0, at) + word() + text.slice(at);
    case 1: {
      const put = word();
      return text.slice(0, at) + put + text.slice(at + put.length);
    }
    case 2:
      return text.slice(0, at) + text.slice(at + 1 + pick(pick(4) === 0 ? 40 : 3));
    case 3:
      return text.slice(0, at) + String.fromCharCode(pick(256)) + text.slice(at + 1);
    case 4:
      return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << pick(8))) + text.slice(at + 1);
    case 5: {
      const length = 1 + pick(30);
      return text.slice(0, at) + text.slice(at, at + length).repeat(2 + pick(3)) + text.slice(at + length);
    }
    case 6: {
      const from = pick(other.length + 1);
      return text.slice(0, at) + other.slice(from, from + 1 + pick(60)) + text.slice(at);
    }
    case 7:
      return text.slice(0, at) + other.slice(pick(other.length + 1));
    case 8:
      return betweenLines(text, word(), other, pick);
    case 9:
      return number(text, pick);
    default:
      return text.slice(0, at) + otherCase(text.slice(at, at + 1 + pick(12))) + text.slice(at + 1 + pick(12));
  }
}

/** A line more, less, or elsewhere. */
function betweenLines(text: string, word: string, other: string, pick: Pick): string {
  const lines = text.split(/(?<=\n)/);
  const others = other.split(/(?<=\n)/);
  const at = pick(lines.length + 1);
  const [moved] = pick(2) === 0 ? lines.splice(pick(lines.length), 1) : [others[pick(others.length)]];
  lines.splice(at, pick(3) === 0 ? 1 : 0, pick(2) === 0 ? word : (moved ?? ''));
  return lines.join('');
}

/** Another value for one of its numbers. */
function number(text: string, pick: Pick): string {
  const numbers = [...text.matchAll(/[0-9a-f]+/gi)];
  const one = numbers[pick(numbers.length)];
  if (!one) return text;
  const value = Number.parseInt(one[0], 10) || 0;
  const values = [value + 1, value - 1, value * 16, 0, `0${one[0]}`, value.toString(16), `${one[0]} `, ` ${one[0]}`];
  return text.slice(0, one.index) + values[pick(values.length)] + text.slice(one.index + one[0].length);
}

function otherCase(text: string): string {
  return text === text.toLowerCase() ? text.toUpperCase() : text.toLowerCase();
}
