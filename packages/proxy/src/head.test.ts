import { expect, test } from 'vitest';
import { BodyReader } from './body.ts';
import { parseRequestHead, parseResponseHead, Refusal, type RequestHead } from './head.ts';

/** A small generator with a seed, so that a failure can be seen again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const SAMPLES = [
  'GET /user/ada/lab?x=1 HTTP/1.1\r\nHost: hub.example:8000\r\nCookie: a=b; c=d\r\nAccept: text/html,*/*;q=0.8\r\nConnection: keep-alive, x-a\r\nX-A: 1\r\n\r\n',
  'POST http://a/b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n',
  'GET /x HTTP/1.1\r\nHost: [::1]:80\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n',
  'PUT /x HTTP/1.0\r\nContent-Length: 12\r\nConnection: Keep-Alive\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive\r\n\r\n',
];
const NASTY = [
  '\r',
  '\n',
  '\0',
  ' ',
  '\t',
  ':',
  '\r\n',
  '\r\n ',
  ',',
  '/',
  '%',
  '\x7f',
  '\xff',
  'chunked',
  'Content-Length: 1\r\n',
  'Host: y\r\n',
];

test('no mutation of a head makes the parser throw, or pass on a line that is not one field', () => {
  const pick = random(20261121);
  let accepted = 0;
  for (let round = 0; round < 60_000; round++) {
    let text = SAMPLES[pick(SAMPLES.length)]!;
    for (let count = 1 + pick(3); count > 0; count--) {
      const at = pick(text.length);
      const nasty = NASTY[pick(NASTY.length)]!;
      text =
        pick(2) === 0
          ? text.slice(0, at) + nasty + text.slice(at)
          : text.slice(0, at) + nasty + text.slice(at + nasty.length);
    }
    // As the connection does it: the head is what comes before the first empty line.
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) continue;
    text = text.slice(0, end + 4);

    const request = parseRequestHead(text);
    const response = parseResponseHead(text, true);
    for (const head of [request, response]) {
      if (head instanceof Refusal || typeof head === 'string') continue;
      accepted++;
      expect(head.fields.kept).toMatch(/^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/);
      expect(head.fields.kept).not.toMatch(/^(?:content-length|transfer-encoding|connection|upgrade):/im);
      if (head === request) expect(head.fields.kept).not.toMatch(/^host:/im);
    }
  }
  expect(accepted).toBeGreaterThan(5_000);
});

test('a head that repeats the fields of the one before is read as if it were the first', () => {
  const pick = random(1104);
  const blocks = SAMPLES.map((sample) => sample.slice(sample.indexOf('\r\n') + 2));
  const starts = [
    'GET /a',
    'GET /b?c',
    'POST /a',
    'GET *',
    'OPTIONS *',
    'GET http://other/a',
    'GET  /a',
    'GET /\xff',
    'TRACE /a',
  ];
  const versions = [' HTTP/1.1', ' HTTP/1.0', ' HTTP/1.2', ' HTTP/1.1 ', ''];
  let before: RequestHead | undefined;
  let repeated = 0;
  for (let round = 0; round < 20_000; round++) {
    const line = starts[pick(starts.length)]! + versions[pick(2) * pick(versions.length)]!;
    const text = `${line}\r\n${blocks[pick(2) === 0 ? 0 : pick(blocks.length)]}`;

    const head = parseRequestHead(text, before);

    expect(head, JSON.stringify([text, before])).toEqual(parseRequestHead(text));
    if (head instanceof Refusal) continue;
    if (head.fields === before?.fields) repeated++;
    before = head;
  }
  expect(repeated).toBeGreaterThan(100);
});

test('an answer that passes as it is has nothing in it that would be taken out or written otherwise', () => {
  const lines = [
    'Content-Length: 5',
    'Content-length: 5',
    'Content-Length:5',
    'Content-Length: 05',
    'Content-Length: 5 ',
  ]
    .concat(['Transfer-Encoding: chunked', 'Transfer-Encoding: Chunked', 'Connection: x-a', 'Keep-Alive: timeout=5'])
    .concat([
      'X-A: 1',
      'Upgrade: h2c',
      'Set-Cookie: a=b',
      'Set-Cookie: jupyterhub-session-id=b',
      'TE: trailers',
      'NEL: x',
    ]);
  const starts = ['HTTP/1.1 200 OK', 'HTTP/1.1 200', 'HTTP/1.0 200 OK', 'HTTP/1.1 404 Not Found'];
  const untouched = new Set<string>();
  for (const start of starts) {
    for (const one of lines) {
      for (const other of ['X-B: 2', ...lines]) {
        const head = parseResponseHead(`${start}\r\n${one}\r\n${other}\r\n\r\n`, true);
        if (typeof head !== 'string' && head.untouched) for (const line of [start, one, other]) untouched.add(line);
      }
    }
  }
  expect([...untouched].toSorted()).toEqual(
    [
      'HTTP/1.1 200 OK',
      'HTTP/1.1 404 Not Found',
      'Content-Length: 5',
      'Content-length: 5',
      'Transfer-Encoding: chunked',
    ]
      .concat(['X-A: 1', 'X-B: 2', 'Set-Cookie: a=b'])
      .toSorted(),
  );
});

test('a chunked body ends at the same byte however it is cut, and broken ones never end', () => {
  const pick = random(7);
  const good = '4\r\nWiki\r\n6;ext=1\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nSum: 1\r\nTrailer-B: 2\r\n\r\n';
  const read = (text: string, cuts: boolean): { used: number; raw: string; content: string; done: boolean } => {
    const bytes = Buffer.from(`${text}GET / HTTP/1.1`, 'latin1');
    const body = BodyReader.ofRequest({ chunked: true, contentLength: -1 });
    let content = '';
    body.onContent = (piece) => (content += piece.toString('latin1'));
    let raw = '';
    let used = 0;
    while (!body.done && used < bytes.length) {
      const piece = cuts ? bytes.subarray(used, used + 1 + pick(5)) : bytes.subarray(used);
      const end = body.read(piece, 0);
      if (end < 0) return { used: -1, raw, content, done: false };
      raw += piece.toString('latin1', 0, body.rawEnd);
      used += end;
    }
    return { used, raw, content, done: body.done };
  };

  for (let round = 0; round < 300; round++) {
    expect(read(good, round > 0)).toEqual({
      used: good.length,
      raw: good.slice(0, good.indexOf('Sum')),
      content: 'Wikipedia in \r\n\r\nchunks.',
      done: true,
    });
  }
  for (let round = 0; round < 5_000; round++) {
    const at = pick(good.length);
    const text = good.slice(0, at) + NASTY[pick(NASTY.length)]! + good.slice(at + pick(3));
    const whole = read(text, false);
    const cut = read(text, true);
    expect([cut.used, cut.done], JSON.stringify(text)).toEqual([whole.used, whole.done]);
  }
});
