import type { TestBrowser } from '../../packages/hub/src/testing/browser.ts';
import type { Answer } from './client.ts';
import type { Hub } from './hub.ts';
import { OUTSIDE_TOKEN, QUIET_TOKEN } from './world.ts';

/** One OAuth client of the tests. */
export interface OAuthClient {
  client_id: string;
  client_secret: string;
  redirect_uri: string;
}

const service = (hub: Hub, name: string, client_secret: string): OAuthClient => ({
  client_id: `service-${name}`,
  client_secret,
  redirect_uri: `${hub.base}services/${name}/oauth_callback`,
});

/** The service whose visitors are asked, and the one whose are not. */
export const outside = (hub: Hub): OAuthClient => service(hub, 'outside', OUTSIDE_TOKEN);
export const quiet = (hub: Hub): OAuthClient => service(hub, 'quiet', QUIET_TOKEN);

/** The client of somebody's running server, as the server itself was told. */
export async function serverClient(hub: Hub, user: string): Promise<OAuthClient> {
  const env = (await hub.send('GET', `${hub.base}user/${user}/env`)).json();
  return {
    client_id: env.JUPYTERHUB_CLIENT_ID,
    client_secret: env.JUPYTERHUB_API_TOKEN,
    redirect_uri: env.JUPYTERHUB_OAUTH_CALLBACK_URL,
  };
}

/** The address where a browser is sent to authorise; undefined takes a parameter away. */
export function authorizeUrl(hub: Hub, client: OAuthClient, more: Record<string, string | undefined> = {}): string {
  const { client_id, redirect_uri } = client;
  const all = { client_id, redirect_uri, response_type: 'code', state: 'the-state', ...more };
  const query = Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]));
  return `${hub.hub}api/oauth2/authorize?${new URLSearchParams(query as [string, string][])}`;
}

/** Where a reply sends the browser, with the query taken apart. */
export function sentTo(reply: Response): { path: string; query: Record<string, string> } {
  const url = new URL(reply.headers.get('location') ?? 'none:', 'http://here');
  return { path: url.pathname, query: Object.fromEntries(url.searchParams) };
}

/** The code that a browser comes back with. @throws Error when it comes back with none */
export async function codeFor(
  hub: Hub,
  browser: TestBrowser,
  client: OAuthClient,
  more: Record<string, string | undefined> = {},
): Promise<string> {
  const reply = await browser.fetch(authorizeUrl(hub, client, more));
  const { code } = sentTo(reply).query;
  if (code === undefined) throw new Error(`${reply.status} to ${reply.headers.get('location')}`);
  return code;
}

/** Exchanges a code as a service does. */
export function exchange(
  hub: Hub,
  client: OAuthClient,
  code: string,
  more: Record<string, string> = {},
): Promise<Answer> {
  const form = { ...client, grant_type: 'authorization_code', code, ...more };
  return hub.send('POST', `${hub.hub}api/oauth2/token`, {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: String(new URLSearchParams(form)),
  });
}

/** The hidden fields of a page's form. */
export function fieldsOf(page: string): [name: string, value: string][] {
  return [...page.matchAll(/<input\b[^>]*>/g)].flatMap(([tag]) => {
    const attribute = (name: string) =>
      new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll('&amp;', '&').replaceAll('&#x3D;', '=');
    const name = attribute('name');
    return name === undefined ? [] : [[name, attribute('value') ?? ''] as [string, string]];
  });
}

/** Somebody who may open the services of the tests. */
export async function visitor(hub: Hub): Promise<{ name: string; browser: TestBrowser }> {
  const name = await hub.person('visitor');
  await hub.root('POST', '/groups/visitors/users', { users: [name] });
  return { name, browser: await hub.signIn(name) };
}
