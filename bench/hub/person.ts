import { setTimeout as delay } from 'node:timers/promises';
import { Browser, NoAnswer, type Reply } from './browser.ts';

/** Where a hub is and what everybody's password there is. */
export interface Door {
  /** `http://127.0.0.1:8000` */
  origin: string;
  /** Path of the hub, with slashes around it. */
  hub: string;
  password: string;
}

export type Outcome = 'ready' | 'refused' | 'failed';

/** How it went for one person. */
export interface Visit {
  name: string;
  /** `refused`: sent away with 429 or 5xx. `failed`: anything else that is not a server. */
  outcome: Outcome;
  /** What happened when it is not `ready`. */
  problem?: string;
  /** ms from the first request to the first page of the own server. */
  ms: number;
  /** When that page came; ms of `performance.now()`. */
  readyAt: number;
  requests: number;
}

class Refused extends Error {}

const MOST_REDIRECTS = 20;
/** As browsers wait before they open an event stream again. */
const RECONNECT_MS = 3_000;

/**
 * Signs in, starts the own server, waits as the starting page does, and opens the server: the requests that a
 * browser makes for pages, without their style sheets, scripts and pictures.
 */
export async function visit(door: Door, name: string, signal: AbortSignal): Promise<Visit> {
  using browser = new Browser(door.origin, signal);
  const began = performance.now();
  const end = (outcome: Outcome, problem?: string): Visit => {
    const readyAt = performance.now();
    const told = problem === undefined ? {} : { problem };
    return { name, outcome, ...told, ms: readyAt - began, readyAt, requests: browser.requests };
  };
  try {
    await goThrough(browser, door, name);
    return end('ready');
  } catch (error) {
    if (error instanceof Refused) return end('refused', error.message);
    return end('failed', (error as Error).message);
  }
}

/** The form, and posting it. @returns where that leads to */
export async function signIn(browser: Browser, { hub, password }: Door, name: string, next: string): Promise<string> {
  const login = `${hub}login?next=${encodeURIComponent(next)}`;
  const form = expect(await browser.get(login), 'the sign-in page', 200);
  const xsrf = /name="_xsrf" value="([^"]*)"/.exec(form.body)?.[1] ?? '';
  return pathOf(expect(await browser.post(login, { _xsrf: xsrf, username: name, password }), 'signing in', 302));
}

async function goThrough(browser: Browser, door: Door, name: string): Promise<void> {
  const { hub } = door;
  const base = hub.slice(0, hub.lastIndexOf('hub/'));
  const home = `${base}user/${encodeURIComponent(name)}/`;
  let path = await signIn(browser, door, name, `${hub}spawn`);
  for (let hop = 0; hop < MOST_REDIRECTS; hop += 1) {
    const page = await browser.get(path);
    if (page.status === 200 && path.startsWith(home)) return;
    if (page.status === 200 && path.includes('/spawn-pending/')) await untilReady(browser, hub, name);
    else path = pathOf(expect(page, path, 302));
  }
  throw new NoAnswer(`too many redirects, the last to ${path}`);
}

async function untilReady(browser: Browser, hub: string, name: string): Promise<void> {
  const xsrf = encodeURIComponent(browser.cookie('_xsrf', hub) ?? '');
  const stream = `${hub}api/users/${encodeURIComponent(name)}/server/progress?_xsrf=${xsrf}`;
  for (;;) {
    for await (const event of browser.events(stream)) {
      const { ready, failed, message } = event as { ready?: boolean; failed?: boolean; message?: string };
      if (failed) throw new NoAnswer(`the start failed: ${message}`);
      if (ready) return;
    }
    await delay(RECONNECT_MS);
  }
}

function expect(reply: Reply, what: string, status: 200 | 302): Reply {
  if (reply.status === status || (status === 302 && reply.status === 303)) return reply;
  const problem = `${what}: ${reply.status}`;
  if (reply.status === 429 || reply.status >= 500) throw new Refused(problem);
  throw new NoAnswer(problem);
}

/** The path that a redirect leads to. */
function pathOf({ headers, status }: Reply): string {
  if (!headers.location) throw new NoAnswer(`${status} without a place to go`);
  const { pathname, search } = new URL(headers.location, 'http://hub');
  return pathname + search;
}
