import type { FastifyInstance } from 'fastify';

/** The paths of all routes, to tell "no such page" from "not with this method". Asked only when nothing matched. */
export class KnownPaths {
  readonly #methods = new Map<string, Set<string>>();

  /** Learns every route that is added to `app` from now on. */
  watch(app: FastifyInstance): void {
    app.addHook('onRoute', ({ url, method }) => {
      const methods = this.#methods.get(url) ?? new Set();
      this.#methods.set(url, methods);
      for (const each of [method].flat()) methods.add(each);
    });
  }

  /** What a path can be asked with; empty when there is no such path. */
  methodsOf(path: string): string[] {
    const all = [...this.#methods].flatMap(([pattern, methods]) => (matches(pattern, path) ? [...methods] : []));
    return [...new Set(all)].sort();
  }
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  const wild = wanted.at(-1) === '*';
  if (wild ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every(
    (part, at) => part === '*' || part === given[at] || (part.startsWith(':') && fits(part, given[at])),
  );
}

/** A name in a path, which may say what it looks like: `:number(^\\d+$)`. */
function fits(part: string, given = ''): boolean {
  const form = /^:\w+\((.*)\)$/.exec(part)?.[1];
  return given !== '' && (form === undefined || new RegExp(form).test(given));
}
