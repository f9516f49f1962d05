import { readFileSync } from 'node:fs';
import { type TestBrowser, testBrowser } from '../../packages/hub/src/testing/browser.ts';
import { type Answer, type Client, client, eventually, type Sending, send } from './client.ts';
import { ADMIN, type Gate, PASSWORD, ROOT_TOKEN } from './world.ts';

/** The REST API of configurable-http-proxy. */
export interface ProxyApi {
  url: string;
  token: string;
}

/** The proxy's process, and its metrics where it offers some of its own. */
export interface ProxyProcess {
  pid(): number;
  metrics?: string;
}

export type Kind = 'atrium' | 'jupyterhub-5' | 'jupyterhub-6';

/** A running hub behind its proxy, and short ways to what nearly every test needs. */
export interface Hub {
  readonly kind: Kind;
  readonly origin: string;
  /** Where it is mounted, and its own paths below. */
  readonly base: string;
  readonly hub: string;
  readonly gate: Gate;
  /** The address and token of the proxy's own API, where it has one. */
  readonly proxyApi: ProxyApi | undefined;
  readonly proxy: ProxyProcess;
  /** The file of its database (SQLite), for what has to be old before it is asked for. */
  readonly database: string;
  /** The REST API as a service that may do everything, as nobody, and with a token. */
  readonly root: Client;
  readonly nobody: Client;
  as(token: string): Client;
  /** A request as it is, to any path of the proxy. */
  send(method: string, path: string, sending?: Sending): Promise<Answer>;
  /** A name nobody else has. */
  fresh(prefix?: string): string;
  /** Somebody new; their name begins with the prefix. */
  person(prefix?: string): Promise<string>;
  /** A token of somebody, by the API. */
  token(user: string, body?: object): Promise<string>;
  /** The API with exactly these scopes of somebody, else of the administrator. */
  scoped(scopes: readonly string[], user?: string): Promise<Client>;
  /** A browser that is nobody's, and one that has signed in by the form. */
  browser(): TestBrowser;
  signIn(user: string): Promise<TestBrowser>;
  /** Starts a server and waits until it is ready. */
  start(user: string, server?: string): Promise<void>;
  /** The API's path of a server. */
  server(user: string, server?: string): string;
}

export interface HubFacts {
  kind: Kind;
  origin: string;
  base: string;
  gate: Gate;
  proxy: ProxyProcess;
  proxyApi?: ProxyApi;
  database: string;
  /** Its log, where it is a file: told when a start fails. */
  log?: string;
}

export function hubAt({ kind, origin, base, gate, proxy, proxyApi, database, log }: HubFacts): Hub {
  const hub = `${base}hub/`;
  const as = (token?: string) => client(origin, `${hub}api`, token);
  const root = as(ROOT_TOKEN);
  let count = 0;
  const made = (answer: Answer, status: number): Answer => {
    if (answer.status !== status) throw new Error(`${answer.status} instead of ${status}: ${answer.text}`);
    return answer;
  };
  const serverPath = (user: string, server = '') =>
    server === '' ? `/users/${user}/server` : `/users/${user}/servers/${server}`;
  const self: Hub = {
    kind,
    origin,
    base,
    hub,
    gate,
    proxyApi,
    proxy,
    database,
    root,
    nobody: as(),
    as,
    send: (method, path, sending) => send(origin, method, path, sending),
    fresh(prefix = 'p') {
      count += 1;
      return `${prefix}${count}`;
    },
    async person(prefix) {
      const name = self.fresh(prefix);
      made(await root('POST', `/users/${name}`), 201);
      return name;
    },
    async token(user, body) {
      const answer = made(await root('POST', `/users/${user}/tokens`, body), 201);
      return (answer.json() as { token: string }).token;
    },
    scoped: async (scopes, user = ADMIN) => as(await self.token(user, { scopes })),
    browser: () => testBrowser(origin),
    async signIn(user) {
      const browser = testBrowser(origin);
      const { status } = await browser.submit(`${hub}login`, { username: user, password: PASSWORD });
      if (status !== 302) throw new Error(`Signing in answers ${status}`);
      return browser;
    },
    server: serverPath,
    async start(user, server) {
      const ask = () => root('POST', serverPath(user, server));
      let answer = await ask();
      // On a busy machine JupyterHub now and then gives up a start; asked again, it starts.
      if (kind !== 'atrium' && answer.status === 500) answer = await eventually(ask, ({ status }) => status < 300);
      if (answer.status !== 201 && answer.status !== 202)
        throw new Error(`${answer.status}: ${answer.text}${log === undefined ? '' : troubleIn(log)}`);
      await eventually(
        async () => (await root('GET', `/users/${user}`)).json() as { servers: Record<string, { ready: boolean }> },
        ({ servers }) => servers[server ?? '']?.ready === true,
      );
    },
  };
  return self;
}

const SHOWN_LINES = 5;
/** What a log of Atrium's says last that is no mere information. */
function troubleIn(file: string): string {
  const lines = readFileSync(file, 'utf8').split('\n');
  const trouble = lines.filter((line) => line.startsWith('{') && (JSON.parse(line) as { level: number }).level > 30);
  return `\n${trouble.slice(-SHOWN_LINES).join('\n')}`;
}
