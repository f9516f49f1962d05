import { Browser } from '../../../bench/hub/browser.ts';
import { PASSWORD } from './hub.ts';

/** One line of a starting page, and when it came. */
export interface Line {
  at: number;
  percent: number;
  message: string;
}

/** How one start went for one person; ms of the region's clock. */
export interface Visit {
  name: string;
  requestedAt: number;
  readyAt: number;
  lines: Line[];
}

const RECONNECT_MS = 3_000;
const MOST_REDIRECTS = 10;

/** A person with a browser that keeps its cookies, so that a second start needs no sign-in. */
export class Person implements Disposable {
  readonly name: string;
  readonly #browser: Browser;
  readonly #clock: { now(): number; sleep(ms: number): Promise<void> };

  constructor(name: string, origin: string, clock: { now(): number; sleep(ms: number): Promise<void> }) {
    this.name = name;
    this.#clock = clock;
    this.#browser = new Browser(origin, new AbortController().signal);
  }

  async signIn(): Promise<void> {
    const login = '/hub/login?next=%2Fhub%2Fhome';
    const form = await this.#browser.get(login);
    const xsrf = /name="_xsrf" value="([^"]*)"/.exec(form.body)?.[1] ?? '';
    const { status } = await this.#browser.post(login, { _xsrf: xsrf, username: this.name, password: PASSWORD });
    if (status !== 302 && status !== 303) throw new Error(`signing in as ${this.name}: ${status}`);
  }

  /** Asks for the server and waits on the starting page. @throws when the start fails or the hub refuses */
  async start(): Promise<Visit> {
    const requestedAt = this.#clock.now();
    let path = '/hub/spawn';
    for (let hop = 0; !path.includes('/spawn-pending/') && hop < MOST_REDIRECTS; hop += 1) {
      const { status, headers, body } = await this.#browser.get(path);
      if (status !== 302 || !headers.location) throw new Error(`${path}: ${status} ${body.slice(0, 200)}`);
      const { pathname, search } = new URL(headers.location, 'http://hub');
      path = pathname + search;
    }
    await this.#browser.get(path);
    const lines: Line[] = [];
    await this.#watch(lines);
    return { name: this.name, requestedAt, readyAt: this.#clock.now(), lines };
  }

  async #watch(lines: Line[]): Promise<void> {
    const xsrf = encodeURIComponent(this.#browser.cookie('_xsrf', '/hub/') ?? '');
    const stream = `/hub/api/users/${encodeURIComponent(this.name)}/server/progress?_xsrf=${xsrf}`;
    for (;;) {
      for await (const event of this.#browser.events(stream)) {
        const line = event as { ready?: boolean; failed?: boolean; message?: string; progress?: number };
        lines.push({ at: this.#clock.now(), percent: line.progress ?? 0, message: line.message ?? '' });
        if (line.failed) throw new Error(`the start of ${this.name} failed: ${line.message}`);
        if (line.ready) return;
      }
      await this.#clock.sleep(RECONNECT_MS);
    }
  }

  [Symbol.dispose](): void {
    this.#browser[Symbol.dispose]();
  }
}
