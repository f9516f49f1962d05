import type { FastifyInstance } from 'fastify';

/** The paths of all routes, to tell "no such page" from "not with this method". Asked only when nothing matched. */
export class KnownPaths {
  readonly #patterns = new Set<string>();

  /** Learns every route that is added to `app` from now on. */
  watch(app: FastifyInstance): void {
    app.addHook('onRoute', ({ url }) => void this.#patterns.add(url));
  }

  has(path: string): boolean {
    for (const pattern of this.#patterns) if (matches(pattern, path)) return true;
    return false;
  }
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  const wild = wanted.at(-1) === '*';
  if (wild ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((part, at) => part === '*' || part === given[at] || (part.startsWith(':') && given[at] !== ''));
}
