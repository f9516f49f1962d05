import { expect } from 'vitest';
import type { Client } from '../client.ts';
import type { Hubs } from '../hubs.ts';
import { codeFor, exchange, quiet, visitor } from '../oauth.ts';
import { section } from '../suite.ts';
import { MAIN, type Variant } from '../variants.ts';
import { QUIET_TOKEN } from '../world.ts';

const scopesOf = async (as: Client): Promise<string[]> => (await as('GET', '/user')).json().scopes;

interface Wrong {
  roles?: object[];
  customScopes?: object;
}

/** The first hub, with roles and scopes of its own. */
const configured = ({ roles = [], customScopes = {} }: Wrong): Variant => ({
  ...MAIN,
  jupyterhub: () => ({ JupyterHub: { load_roles: roles, custom_scopes: customScopes } }),
  atrium: () => ({ roles, customScopes }),
});

/** A hub with these does not start, and says what is wrong with them. */
async function refused({ refusal }: Hubs, wrong: Wrong, word: string): Promise<void> {
  expect(await refusal(configured(wrong))).toContain(word);
}

const role = (...scopes: string[]) => ({ roles: [{ name: 'staff', scopes }] });

export const moreScopes = section('scopes and roles, more', (row) => {
  row(['4.2/service', '4.3/self-service'], async ({ main }) => {
    expect(await scopesOf(main.as(QUIET_TOKEN))).toEqual([
      'read:services!service=quiet',
      'read:services:name!service=quiet',
    ]);
  });

  row('4.2/unknown-at-start', async (hubs) => {
    await refused(hubs, role('no:such'), 'no:such');
    await refused(hubs, role('read:users!planet=x'), 'planet');
  });

  row('4.4/admin-fixed', (hubs) => refused(hubs, { roles: [{ name: 'admin', scopes: ['self'] }] }, 'admin'));

  row('4.4/names', async (hubs) => {
    await refused(hubs, { roles: [{ name: 'Bad Name', scopes: ['self'] }] }, 'ole');
    await refused(hubs, { customScopes: { 'custom:Bad': { description: 'x' } } }, 'custom:Bad');
  });

  row('4.4/custom-rules', async (hubs) => {
    await refused(hubs, { customScopes: { 'custom:mute': {} } }, 'custom:mute');
    const more = { description: 'x', subscopes: ['read:users'] };
    await refused(hubs, { customScopes: { 'custom:wide': more } }, 'custom:wide');
  });

  row(['4.3/shared', '4.5/share'], async ({ main }) => {
    const [owner, guest] = await Promise.all([main.person(), main.person()]);
    const before = await scopesOf(main.as(await main.token(guest)));
    await main.start(owner);
    expect((await main.root('POST', `/shares/${owner}/`, { user: guest })).status).toBe(200);
    const as = main.as(await main.token(guest));
    const more = (await scopesOf(as)).filter((scope) => !before.includes(scope));
    expect(more).toEqual([`access:servers!server=${owner}/`]);
    expect((await as('GET', `/users/${owner}`)).status).toBe(404);
    for (const method of ['POST', 'DELETE']) expect((await as(method, main.server(owner))).status).toBe(404);
    const browser = await main.signIn(guest);
    expect((await browser.fetch(`/hub/user/${owner}/lab`)).status).toBe(302);
  });

  row('4.3/oauth-token', async ({ main }) => {
    const { name, browser } = await visitor(main);
    const answer = await exchange(main, quiet(main), await codeFor(main, browser, quiet(main)));
    expect((await scopesOf(main.as(answer.json().access_token))).sort()).toEqual([
      'access:services!service=quiet',
      `read:users:groups!user=${name}`,
      `read:users:name!user=${name}`,
    ]);
  });

  row('4.5/proxied', async ({ main }) => {
    const { status, text } = await main.send('GET', '/services/outside/x');
    expect([status, text]).toEqual([200, '{}']);
  });
});
