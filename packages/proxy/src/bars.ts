import type { Bar } from '@atrium/sdk';
import { withoutTokens } from './credentials.ts';
import type { RequestHead } from './head.ts';

/** In `Bar.serverId`. */
const EVERY_SERVER = '';

/**
 * Tokens that no server, or one server, may see any more. A server remembers for minutes that a token was good, so when
 * somebody loses access it is the proxy that keeps their token from it: what they have open is closed, and what they send
 * arrives as a stranger's, whom the server sends to the hub.
 */
export class Bars {
  readonly #byServer = new Map<string, Map<string, number>>();

  /**
   * Takes over what the hub says; returns what is new, for connections that are open.
   * @param all what is not among them is barred no longer
   */
  apply(bars: readonly Bar[], now: number, all = false): Bar[] {
    const fresh: Bar[] = [];
    if (all) this.#keepOnly(bars);
    for (const bar of bars) {
      const tokens = this.#byServer.get(bar.serverId) ?? new Map<string, number>();
      if (bar.until <= now) tokens.delete(bar.token);
      else {
        if (!tokens.has(bar.token)) fresh.push(bar);
        tokens.set(bar.token, bar.until);
      }
      if (tokens.size > 0) this.#byServer.set(bar.serverId, tokens);
      else this.#byServer.delete(bar.serverId);
    }
    return fresh;
  }

  #keepOnly(bars: readonly Bar[]): void {
    const said = Map.groupBy(bars, ({ serverId }) => serverId);
    for (const [serverId, tokens] of this.#byServer) {
      const still = new Set(said.get(serverId)?.map(({ token }) => token));
      for (const token of tokens.keys()) if (!still.has(token)) tokens.delete(token);
      if (tokens.size === 0) this.#byServer.delete(serverId);
    }
  }

  /** Every bar that counts, for the copy on disk. */
  list(): Bar[] {
    return [...this.#byServer].flatMap(([serverId, tokens]) =>
      [...tokens].map(([token, until]) => ({ serverId, token, until })),
    );
  }

  /** What is over is forgotten. Called every now and then. */
  sweep(now: number): void {
    for (const [serverId, tokens] of this.#byServer) {
      for (const [token, until] of tokens) if (until <= now) tokens.delete(token);
      if (tokens.size === 0) this.#byServer.delete(serverId);
    }
  }

  /** The request as the server may have it. Nearly always there is no bar, and then nothing is looked at. */
  clean(serverId: string | undefined, head: RequestHead): RequestHead {
    if (this.#byServer.size === 0 || serverId === undefined) return head;
    const here = this.#byServer.get(serverId);
    const everywhere = this.#byServer.get(EVERY_SERVER);
    if (!here && !everywhere) return head;
    return withoutTokens(head, (token) => here?.has(token) === true || everywhere?.has(token) === true);
  }
}

/** Whether a connection that is open must be closed for these bars. */
export type Closes = (serverId: string | undefined, tokens: () => readonly string[]) => boolean;

export function closesFor(bars: readonly Bar[]): Closes {
  const byServer = Map.groupBy(bars, ({ serverId }) => serverId);
  const has = (serverId: string, token: string) => byServer.get(serverId)?.some((bar) => bar.token === token) === true;
  return (serverId, tokens) => {
    if (serverId === undefined || !(byServer.has(serverId) || byServer.has(EVERY_SERVER))) return false;
    const known = tokens();
    // One that nobody can be told by is not given the benefit of the doubt: a tab connects again by itself.
    if (known.length === 0) return byServer.has(serverId);
    return known.some((token) => has(serverId, token) || has(EVERY_SERVER, token));
  };
}
