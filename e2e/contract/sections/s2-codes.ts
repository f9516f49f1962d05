import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import type { TestBrowser } from '../../../packages/hub/src/testing/browser.ts';
import type { Hub } from '../hub.ts';
import { authorizeUrl, codeFor, exchange, fieldsOf, outside, quiet, sentTo, visitor } from '../oauth.ts';
import { section } from '../suite.ts';

const VERIFIER = 'a-verifier-of-forty-three-characters-or-more-1';

/** Agrees to all that the service which asks is given; answers with its token and what the token may do. */
async function agree(hub: Hub, browser: TestBrowser, more: Record<string, string> = {}) {
  const client = outside(hub);
  const url = authorizeUrl(hub, client, more);
  const asked = await browser.fetch(url);
  const agreed =
    asked.status === 302
      ? asked
      : await browser.fetch(url, { method: 'POST', body: new URLSearchParams(fieldsOf(await asked.text())) });
  const { access_token: token } = (await exchange(hub, client, sentTo(agreed).query.code ?? '')).json();
  const { scopes } = (await hub.as(token)('GET', '/user')).json();
  return { token: token as string, scopes: scopes as string[] };
}

export const codes = section('OAuth, codes and tokens', (row) => {
  row('2.3/scopes-asked', async ({ main }) => {
    const { name, browser } = await visitor(main);
    const least = ['access:services!service=outside', `read:users:groups!user=${name}`, `read:users:name!user=${name}`];
    // It may have both; nobody but an administrator holds the second one.
    expect((await agree(main, browser, { scope: 'read:hub' })).scopes).toEqual(least);
    const activity = `read:users:activity!user=${name}`;
    expect((await agree(main, browser, { scope: 'read:users:activity!user' })).scopes.sort()).toEqual(
      [...least, activity].sort(),
    );
    const all = (await agree(main, browser)).scopes;
    expect(all).toEqual(expect.arrayContaining([...least, activity, `read:users!user=${name}`]));
    expect(all).not.toContain('read:hub');
  });

  row('2.3/nothing-behind', async ({ main }) => {
    const { browser } = await visitor(main);
    const client = {
      client_id: `service-${main.fresh('none')}`,
      client_secret: '',
      redirect_uri: '/services/none/back',
    };
    const db = new DatabaseSync(main.database, { timeout: 10_000 });
    const columns = (db.prepare('pragma table_info(oauth_clients)').all() as { name: string }[]).map(
      ({ name }) => name,
    );
    const row = Object.entries({
      ...{ identifier: client.client_id, redirect_uri: client.redirect_uri, allowed_scopes: '[]', description: 'None' },
      ...{ secret: 'none', secret_hash: 'none' },
    }).filter(([name]) => columns.includes(name));
    const names = row.map(([name]) => name).join(', ');
    db.prepare(`insert into oauth_clients (${names}) values (${row.map(() => '?').join(', ')})`).run(
      ...row.map(([, value]) => value),
    );
    db.close();
    const reply = await browser.fetch(authorizeUrl(main, client));
    expect([reply.status, reply.headers.get('content-type')]).toEqual([500, expect.stringMatching(/^text\/html/)]);
  });

  row('2.4/expired', async ({ main }) => {
    const { name, browser } = await visitor(main);
    const [old, code] = [await codeFor(main, browser, quiet(main)), await codeFor(main, browser, quiet(main))];
    expect((await exchange(main, quiet(main), code)).status).toBe(200);
    const db = new DatabaseSync(main.database, { timeout: 10_000 });
    const { changes } = db
      .prepare('update oauth_codes set expires_at = 1 where user_id = (select id from users where name = ?)')
      .run(name);
    db.close();
    expect(changes).toBe(1);
    const refused = await exchange(main, quiet(main), old);
    expect([refused.status, refused.json().error]).toEqual([400, 'invalid_grant']);
  });

  row('2.4/verifier-plain', async ({ main }) => {
    const { browser } = await visitor(main);
    const client = quiet(main);
    const more = { code_challenge: VERIFIER, code_challenge_method: 'plain' };
    const wrong = await exchange(main, client, await codeFor(main, browser, client, more), {
      code_verifier: `${VERIFIER}x`,
    });
    expect([wrong.status, wrong.json().error]).toEqual([400, 'invalid_grant']);
    const right = await exchange(main, client, await codeFor(main, browser, client, more), { code_verifier: VERIFIER });
    expect(right.status).toBe(200);
  });

  row('2.4/no-cookie', async ({ main }) => {
    const { browser } = await visitor(main);
    const client = quiet(main);
    const form = { ...client, grant_type: 'authorization_code', code: await codeFor(main, browser, client) };
    // By the same browser, whose cookies come without any XSRF token.
    const reply = await browser.fetch('/hub/api/oauth2/token', { method: 'POST', body: new URLSearchParams(form) });
    expect(reply.status).toBe(200);
  });

  row('3.5/token-delete-oauth', async ({ main }) => {
    const { name, browser } = await visitor(main);
    const first = await exchange(main, quiet(main), await codeFor(main, browser, quiet(main)));
    const second = await exchange(main, quiet(main), await codeFor(main, browser, quiet(main)));
    const tokens = [first, second].map((answer) => answer.json().access_token as string);
    const kept = await main.token(name);
    const statuses = () =>
      Promise.all([...tokens, kept].map(async (token) => (await main.as(token)('GET', '/user')).status));
    expect(await statuses()).toEqual([200, 200, 200]);
    const { token_id: id } = (await main.as(tokens[0] ?? '')('GET', '/user')).json();
    const own = main.as(await main.token(name));
    expect((await own('DELETE', `/users/${name}/tokens/${id}`)).status).toBe(204);
    expect(await statuses()).toEqual([403, 403, 200]);
  });
});
