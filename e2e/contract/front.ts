import type { Answer } from './client.ts';
import type { Hub } from './hub.ts';
import { PASSWORD } from './world.ts';

/** A browser behind a front server that speaks TLS with it: cookies are kept by name, and every host gets all. */
export interface FrontBrowser {
  readonly cookies: Map<string, string>;
  /** @param form is sent by POST, with the `_xsrf` cookie in it */
  ask(path: string, form?: Record<string, string>): Promise<Answer>;
}

export function frontBrowser(hub: Hub): FrontBrowser {
  const cookies = new Map<string, string>();
  return {
    cookies,
    async ask(path, form) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await hub.send(form ? 'POST' : 'GET', path, {
        headers: {
          'x-forwarded-proto': 'https',
          ...(cookie && { cookie }),
          ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
        },
        body: form && String(new URLSearchParams({ _xsrf: cookies.get('_xsrf') ?? '', ...form })),
      });
      for (const { name, value } of setCookies(answer)) cookies.set(name, value);
      return answer;
    },
  };
}

/** Signs in by the form. @returns what it was answered with */
export async function signInBehindFront(hub: Hub, browser: FrontBrowser, user: string): Promise<Answer> {
  await browser.ask(`${hub.hub}login`);
  return browser.ask(`${hub.hub}login`, { username: user, password: PASSWORD });
}

/** What an answer sets: attributes in lower case. */
export function setCookies({ headers }: Answer): { name: string; value: string; attributes: string[] }[] {
  return (headers['set-cookie'] ?? []).map((line) => {
    const [pair = '', ...attributes] = line.split(/; */);
    const at = pair.indexOf('=');
    return {
      name: pair.slice(0, at),
      value: pair.slice(at + 1),
      attributes: attributes.map((each) => each.toLowerCase()),
    };
  });
}
