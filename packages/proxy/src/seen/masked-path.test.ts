import { expect, test } from 'vitest';
import { maskedPath } from './masked-path.ts';

const HEX = '5f2b0c9d8e7a46f1b3c2d1e0f9a8b7c6';
const CODE = 'Jk3_x-9QpZ0aWm7bVt2RsA';

test.each([
  [
    `/hub/api/oauth2/authorize?client_id=jupyterhub-user-ada&state=abc&code=${CODE}`,
    '/hub/api/oauth2/authorize?client_id=*&state=*&code=*',
  ],
  [`/user/ada/lab?token=${HEX}`, '/user/ada/lab?token=*'],
  [`/user/ada/lab?%74oken=${HEX}`, '/user/ada/lab?*=*'],
  [`/hub/accept-share?code=${CODE}&next=%2Fuser`, '/hub/accept-share?code=*&next=*'],
  [`/hub/x?${HEX}`, '/hub/x?*'],
  [`/hub/x?a=1?token=${HEX}`, '/hub/x?a=*'],
  [`/hub/x?${HEX}x=1`, '/hub/x?*=*'],
  ['/user/ada/api/kernels?1700000000000', '/user/ada/api/kernels?*'],
  ['/hub/api/authorizations/token/short', '/hub/api/authorizations/token/*'],
  ['/jh/hub/api/authorizations/cookie/jupyterhub-hub-login/2%7C1%3A0', '/jh/hub/api/authorizations/cookie/*'],
  [`/user/ada/proxy/8080/s/${HEX}/app.js`, '/user/ada/proxy/8080/s/*/app.js'],
  [`/user/ada/s/${HEX.toUpperCase()}`, '/user/ada/s/*'],
  [`/user/ada/s/%35f2b0c9d8e7a46f1b3c2d1e0f9a8b7c6`, '/user/ada/s/*'],
  ['/user/ada/s/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.abc', '/user/ada/s/*'],
  [`/user/ada/s/a-name-that-is-long-and-plain.${HEX}`, '/user/ada/s/*'],
  ['/user/ada/app;token=abc/x', '/user/ada/app;token=*/x'],
  ['/user/ada/%ff%fe%fd%fc%fb%fa%f9%f8', '/user/ada/*'],
])('%s', (target, written) => {
  expect(maskedPath(target)).toBe(written);
});

test.each([
  '/user/ada/lab/tree/introduction-to-statistics.ipynb',
  '/user/ada/api/kernels/0f8fad5b-d9cb-469f-a165-70867728950e/channels',
  '/hub/static/20261122/css/style.min.css',
  '/',
])('nothing is hidden in %s', (target) => {
  expect(maskedPath(target)).toBe(target);
});

test('the name of a route is no secret, however it looks, and a path has an end', () => {
  const name = 'ada-lovelace-1815-12-10-London';

  expect(maskedPath(`/user/${name}/s/${HEX}`, `/user/${name}`)).toBe(`/user/${name}/s/*`);
  expect(maskedPath(`/${'a/'.repeat(5_000)}`).length).toBeLessThan(1100);
});
