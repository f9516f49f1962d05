import { expect, test } from 'vitest';
import { labelStub, madeUpLabel, serviceLabel, userLabel } from './subdomains.ts';
import { makeUrls } from './urls.ts';

test.each([
  ['ada', 'ada'],
  ['a-b1', 'a-b1'],
  ['has@at', 'u-hasat--29a6393'],
  ['Ünï', 'u-n--216999f'],
  ['dash--d', 'u-dashd--5576476'],
  ['under_score', 'u-undersco--d807116'],
  ['1234', 'u-1234--03ac674'],
  // Of these names, what JupyterHub 6.1 makes.
  ['ünï', 'xn--n-nga1b'],
  ['日本', 'xn--wgv71a'],
  ['straße', 'xn--strae-oqa'],
  ['-ada', 'u-ada--f32a7c9'],
  ['٠', 'u-x--f01f2e7'],
])('the host of %s begins with %s', (name, label) => {
  expect(userLabel(name)).toBe(label);
});

test('two people never share a host, and nobody has one of a service', () => {
  const names = [
    'ada',
    'Ada',
    'ADA',
    'ada.',
    'a.da',
    'ada--service',
    'xn--n-nga1b',
    'ünï',
    'u-hasat--29a6393',
    'has@at',
  ];
  const labels = names.map(userLabel);

  expect(new Set(labels).size).toBe(names.length);
  expect(labels).not.toContain(serviceLabel('ada'));
  for (const long of ['x'.repeat(63), 'x'.repeat(200), 'ü'.repeat(60)]) {
    expect([userLabel(long), serviceLabel(long)].every((label) => label.length <= 63)).toBe(true);
  }
});

test('only names with made-up labels can meet, and those can: the hash is short', () => {
  const [one, other] = ['students@8415', 'students@15277'];
  expect([userLabel(one), madeUpLabel(one)]).toEqual([userLabel(other), 'u-students--842cd9d']);

  const own = ['ada', 'u-ada', 'ünï', 'x'.repeat(63)];
  expect(own.map(madeUpLabel)).toEqual(own.map(() => undefined));
  for (const name of ['Ada', '@', 'dash--d', '1234', 'K-e@l', 'İa@', 'u-hasat--29a6393', 'x'.repeat(64)]) {
    expect(madeUpLabel(name)).toBe(userLabel(name));
    expect(userLabel(name).startsWith(`u-${labelStub(name)}--`)).toBe(true);
  }
});

test('addresses are paths, or lie on the host of whom they belong to', () => {
  const paths = makeUrls('/hubs/');
  const hosts = makeUrls('/hubs/', 'https://hub.example.org:8443');

  expect([paths.serverUrl('ada', 'gpu'), paths.serviceUrl('x'), paths.routePath('a@b', ''), paths.otherHosts]).toEqual([
    '/hubs/user/ada/gpu/',
    '/hubs/services/x/',
    '/hubs/user/a@b',
    '',
  ]);
  expect(hosts.serverUrl('ada', 'gpu')).toBe('https://ada.hub.example.org:8443/hubs/user/ada/gpu/');
  expect(hosts.serviceUrl('x')).toBe('https://x--service.hub.example.org:8443/hubs/services/x/');
  expect(hosts.routePath('has@at', '')).toBe('u-hasat--29a6393.hub.example.org/hubs/user/has@at');
  expect(hosts.serviceRoute('x')).toBe('x--service.hub.example.org/hubs/services/x');
  expect(hosts.otherHosts).toBe('https://*.hub.example.org:8443');
});
