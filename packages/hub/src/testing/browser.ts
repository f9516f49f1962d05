import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';

/** A fetch that keeps cookies as a browser does (by name and path) and does not follow redirects by itself. */
export interface TestBrowser {
  /** Cookies by `name path`, as stored. */
  readonly cookies: Map<string, { name: string; path: string; value: string }>;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** GET a page, then POST its form fields plus `_xsrf` from the cookie. */
  submit(path: string, fields: Record<string, string>): Promise<Response>;
  /** Follows redirects up to ten times. */
  follow(path: string): Promise<Response>;
}

export function testBrowser(origin: string): TestBrowser {
  const cookies: TestBrowser['cookies'] = new Map();
  const store = (response: Response) => {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(/; */);
      const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      const attribute = (key: string) =>
        attributes.find((one) => one.toLowerCase().startsWith(`${key}=`))?.slice(key.length + 1);
      const path = attribute('path') ?? '/';
      const expires = attribute('expires');
      const gone = attribute('max-age') === '0' || (expires !== undefined && Date.parse(expires) < Date.now());
      if (gone) cookies.delete(`${name} ${path}`);
      else cookies.set(`${name} ${path}`, { name, path, value });
    }
  };
  const browser: TestBrowser = {
    cookies,
    async fetch(path, init = {}) {
      const url = new URL(path, origin);
      const fitting = [...cookies.values()].filter(
        (one) => url.pathname.startsWith(one.path) || `${url.pathname}/` === one.path,
      );
      fitting.sort((a, b) => b.path.length - a.path.length);
      const headers = new Headers(init.headers);
      if (fitting.length > 0) headers.set('cookie', fitting.map((one) => `${one.name}=${one.value}`).join('; '));
      const response = await navigate(url, { ...init, headers });
      store(response);
      return response;
    },
    async submit(path, fields) {
      await browser.fetch(path);
      const xsrf = [...cookies.values()].find((one) => one.name === '_xsrf')?.value ?? '';
      return browser.fetch(path, { method: 'POST', body: new URLSearchParams({ _xsrf: xsrf, ...fields }) });
    },
    async follow(path) {
      let response = await browser.fetch(path);
      for (let hop = 0; hop < 10 && response.status >= 300 && response.status < 400; hop += 1) {
        const to = new URL(response.headers.get('location') ?? '/', origin);
        response = await browser.fetch(to.pathname + to.search);
      }
      return response;
    },
  };
  return browser;
}

/**
 * Node's own fetch says `Sec-Fetch-Mode: cors` on every request and lets nobody change it. A person who follows a link
 * or sends a form does not, and the hub tells the two apart (contract §2.6).
 */
async function navigate(url: URL, init: RequestInit): Promise<Response> {
  const request = new Request(url, init);
  const { method } = request;
  const headers = Object.fromEntries(request.headers);
  const body = Buffer.from(await request.arrayBuffer());
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, headers, agent: false });
    sent.on('error', reject);
    sent.on('response', (reply) => {
      const received = new Headers();
      for (let at = 0; at < reply.rawHeaders.length; at += 2) {
        received.append(reply.rawHeaders[at] ?? '', reply.rawHeaders[at + 1] ?? '');
      }
      const status = reply.statusCode ?? 0;
      const empty = method === 'HEAD' || status === 204 || status === 304;
      if (empty) reply.resume();
      resolve(new Response(empty ? null : (Readable.toWeb(reply) as ReadableStream), { status, headers: received }));
    });
    sent.end(body);
  });
}
