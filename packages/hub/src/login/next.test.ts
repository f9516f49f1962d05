import { expect, test } from 'vitest';
import { destination, safeNext } from './next.ts';

const hub = '/hub/';
const here = { host: 'hub.example:8000', hub };
const published = { ...here, publicUrl: 'https://notebooks.example/jupyter/' };

test.each([
  ['/hub/home', '/hub/home'],
  ['/user/ada/lab?x=1#top', '/user/ada/lab?x=1#top'],
  ['/user/ada//notes', '/user/ada//notes'],
  ['http://hub.example:8000/hub/home?a=b', '/hub/home?a=b'],
  ['https://hub.example:8000/hub/home', '/hub/home'],
  ['HTTP://HUB.example:8000/hub/home', '/hub/home'],
  ['//hub.example:8000/hub/home', '/hub/home'],
  ['http://hub.example:8000//other/', '/other/'],
  ['http://hub.example:8000', '/'],
  ['http://hub.example:8000?a=b', '/?a=b'],
  ['///hub.example:8000/hub/home', '/hub/home'],
  ['/user/ada/Ünï kode', '/user/ada/%C3%9Cn%C3%AF%20kode'],
  ['/user/ada/%2Fkept', '/user/ada/%2Fkept'],
  ['/\\evil.example', '/%5Cevil.example'],
  ['/hub/logout/elsewhere', '/hub/logout/elsewhere'],
])('%s leads to %s', (given, path) => {
  expect(safeNext(given, here)).toBe(path);
});

const spread = { host: 'hub.example:8000', subdomainHost: 'https://hub.example:8000', hub };

test.each([
  ['https://ada.hub.example:8000/user/ada/lab?x=1', '/user/ada/lab?x=1'],
  ['//grader--service.hub.example:8000/services/grader/', '/services/grader/'],
  ['https://HUB.example:8000//other/', '/other/'],
  ['https://xhub.example:8000/user/ada/', null],
  ['https://hub.example.evil:8000/user/ada/', null],
  ['https://ada.hub.example/user/ada/', null],
])('with hosts for everybody, %s leads to %s', (given, path) => {
  expect(safeNext(given, { ...spread, publicUrl: 'https://hub.example:8000/' })).toBe(path);
});

test.each([
  '',
  'home',
  'hub/home',
  ' /hub/home',
  'javascript:alert(1)',
  'data:text/html,x',
  'http:evil.example',
  'http:/evil.example',
  'http:///evil.example/',
  'ftp://hub.example:8000/',
  'http://evil.example/hub/home',
  'http://hub.example/hub/home',
  'http://hub.example:8001/hub/home',
  'http://hub.example:8000.evil.example/',
  'http://hub.example:8000@evil.example/',
  'http://me@hub.example:8000/',
  'http://hub.example:8000\\@evil.example/',
  '//evil.example',
  '///evil.example',
  '/////evil.example',
  '\\\\evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '\t//evil.example',
  '/hub/home\r\nset-cookie: a=b',
  '/\u0000',
  '/\ud800',
  '/hub/login',
  '/hub/login?next=/',
  'http://hub.example:8000/hub/logout',
])('%j leads nowhere', (given) => {
  expect(safeNext(given, here)).toBeNull();
});

test('what is no text leads nowhere', () => {
  for (const given of [undefined, null, 7, ['/hub/home'], {}]) expect(safeNext(given, here)).toBeNull();
});

test('with a public address only that one counts, its scheme included', () => {
  expect(safeNext('https://notebooks.example/hub/home', published)).toBe('/hub/home');
  expect(safeNext('//notebooks.example/hub/home', published)).toBe('/hub/home');
  expect(safeNext('/hub/home', published)).toBe('/hub/home');
  expect(safeNext('http://notebooks.example/hub/home', published)).toBeNull();
  expect(safeNext('http://hub.example:8000/hub/home', published)).toBeNull();
});

test('a valid next drops the other parameters; without one they go along, but never the form token', () => {
  expect(destination({ next: '/hub/token', a: '1' }, hub, here)).toBe('/hub/token');
  expect(destination({ next: 'http://evil.example', a: '1', b: ['2', '3'], _xsrf: 'x' }, hub, here)).toBe(
    '/hub/?a=1&b=2&b=3',
  );
  expect(destination({}, hub, here)).toBe('/hub/');
});

test('nothing that is let through names another host, however it is read', () => {
  const pieces = [
    '/',
    '//',
    '\\',
    '@',
    ':',
    'http:',
    'https://',
    'evil.example',
    'hub.example:8000',
    '\t',
    '%2f',
    '?',
    '#',
    '.',
    '..',
    ' ',
  ];
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let round = 0; round < 20_000; round += 1) {
    const given = Array.from({ length: 1 + random(6) }, () => pieces[random(pieces.length)]).join('');
    const path = safeNext(given, here);
    if (path !== null) expect(new URL(path, 'http://hub.example:8000/hub/login').host, given).toBe('hub.example:8000');
  }
});
