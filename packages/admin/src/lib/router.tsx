import { type AnchorHTMLAttributes, type MouseEvent, useCallback, useMemo, useSyncExternalStore } from 'react';
import { facts } from './facts.ts';

export type View =
  | 'overview'
  | 'people'
  | 'person'
  | 'import'
  | 'groups'
  | 'group'
  | 'servers'
  | 'services'
  | 'announcements'
  | 'unknown';

export interface Place {
  view: View;
  /** Of the person or the group. */
  name: string;
}

const PLAIN: Readonly<Record<string, View>> = {
  '': 'overview',
  people: 'people',
  import: 'import',
  groups: 'groups',
  servers: 'servers',
  services: 'services',
  announcements: 'announcements',
};
const ONE: Readonly<Record<string, View>> = { people: 'person', groups: 'group' };

/** What stands below `{hub}admin`, without slashes around it. */
export function placeOf(path: string): Place {
  const [first = '', name, ...rest] = path.replace(/^\/+|\/+$/g, '').split('/');
  if (rest.length > 0) return { view: 'unknown', name: '' };
  if (name === undefined) return { view: PLAIN[first] ?? 'unknown', name: '' };
  return { view: ONE[first] ?? 'unknown', name: decoded(name) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a view. */
export function pathTo(view: string, name?: string, query: Readonly<Record<string, string>> = {}): string {
  const search = new URLSearchParams(query).toString();
  const path = `${facts().hub}admin${view === '' ? '' : `/${view}`}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
  return search === '' ? path : `${path}?${search}`;
}

const listeners = new Set<() => void>();
const tell = () => {
  for (const listener of listeners) listener();
};
addEventListener('popstate', tell);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Goes to a view of this page without loading it again. `replace`: no entry of its own in the browser's history. */
export function go(url: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  tell();
}

const here = () => location.pathname + location.search;

export function usePlace(): Place {
  const url = useSyncExternalStore(subscribe, here);
  return useMemo(() => placeOf((url.split('?', 1)[0] ?? '').slice(`${facts().hub}admin`.length)), [url]);
}

/** The query of the address as the state of a view, so that every view can be shared; empty values leave it. */
export function useQuery(): [
  URLSearchParams,
  (change: Record<string, string>, options?: { replace?: boolean }) => void,
] {
  const url = useSyncExternalStore(subscribe, here);
  const query = useMemo(() => new URLSearchParams(url.split('?', 2)[1] ?? ''), [url]);
  const set = useCallback((change: Record<string, string>, options?: { replace?: boolean }) => {
    const next = new URLSearchParams(location.search);
    for (const [key, value] of Object.entries(change)) {
      if (value === '') next.delete(key);
      else next.set(key, value);
    }
    const search = next.toString();
    go(location.pathname + (search === '' ? '' : `?${search}`), options);
  }, []);
  return [query, set];
}

/** A link to another view: real for new tabs and copying, quick for a plain click. */
export function ViewLink({ to, ...rest }: { to: string } & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'>) {
  const click = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
  };
  return <a href={to} onClick={click} {...rest} />;
}
