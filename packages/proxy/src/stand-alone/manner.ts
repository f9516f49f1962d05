import type { ClientSide, StandAlone } from '../context.ts';
import { NameTable, REQUEST_TAKEN } from '../fields.ts';
import { forwardedLines, portOf } from '../forwarded.ts';
import type { RequestHead } from '../head.ts';
import type { Target } from '../route-table.ts';

/** How requests and answers are changed on their way. */
export interface MannerOptions {
  /** The path of a target's URL is put before that of the request. */
  prependPath: boolean;
  /** The path of the route stays in the request's. */
  includePrefix: boolean;
  /** Targets are told who asked (X-Forwarded-*). */
  xForward: boolean;
  /** Only trusted front servers are believed about who asked; else everybody is, and what they say is added to. */
  onlyTrusted: boolean;
  /** Targets see their own name in Host. */
  changeOrigin: boolean;
  /** Redirects of a target to itself lead to where the request came to. */
  autoRewrite: boolean;
  /** What the scheme of such a redirect becomes. */
  protocolRewrite: string | undefined;
  /** Fields that requests get, in place of their own of that name. */
  customHeaders: Readonly<Record<string, string>>;
}

/** The changes of configurable-http-proxy, as hooks of the data path. */
export function manner(options: MannerOptions): Pick<StandAlone, 'requestNames' | 'requestHead' | 'answerFields'> {
  const { xForward, onlyTrusted, changeOrigin, customHeaders } = options;
  const custom = Object.entries(customHeaders).filter(([name]) => name.toLowerCase() !== 'host');
  const host = Object.entries(customHeaders).find(([name]) => name.toLowerCase() === 'host')?.[1];
  const claimed = new Set(custom.map(([name]) => name.toLowerCase()).filter((name) => name.startsWith('x-forwarded-')));
  const withoutCustom = (lines: string) =>
    claimed.size === 0
      ? lines
      : lines.replace(/([^:\r\n]+):.*\r\n/g, (line, name) => (claimed.has(name.toLowerCase()) ? '' : line));
  const customLines = custom.map(([name, value]) => `${name}: ${value}\r\n`).join('');

  return {
    requestNames: requestNames(options),
    requestHead(head, target, client, lines) {
      const asked = head.host === '' ? client.localHost() : head.host;
      const forwarded = xForward ? withoutCustom(forwardedOf(head, asked, client, onlyTrusted)) : '';
      const named = host ?? (changeOrigin ? target.place!.authority : asked);
      const path = targetPath(head.target, target, options);
      return `${head.method} ${path} HTTP/1.1\r\nHost: ${named}\r\n${head.fields.kept}${lines}${customLines}${forwarded}\r\n`;
    },
    answerFields(kept, status, request, target) {
      if (!options.autoRewrite && options.protocolRewrite === undefined) return kept;
      return REDIRECTS.has(status) ? withLocation(kept, request.host, target, options) : kept;
    },
  };
}

/** Answers whose Location is an address of the target. */
const REDIRECTS = new Set([201, 301, 302, 307, 308]);

/** What is taken out besides what belongs to one hop: nothing that a server behind configurable-http-proxy would see. */
function requestNames({ xForward, onlyTrusted, customHeaders }: MannerOptions): NameTable {
  const { 'x-request-id': _ours, ...strict } = REQUEST_TAKEN;
  const own = Object.fromEntries(Object.keys(customHeaders).map((name) => [name.toLowerCase(), 'drop' as const]));
  delete own.host;
  if (xForward && onlyTrusted) return new NameTable({ ...strict, ...own }, true);
  const claims = /^x-forwarded-|^forwarded$|^x-real-ip$|^x-scheme$/;
  const kept = Object.entries(strict).filter(([name, taken]) => !claims.test(name) || (xForward && taken !== 'drop'));
  return new NameTable({ ...Object.fromEntries(kept), ...own }, true);
}

function forwardedOf(head: RequestHead, host: string, client: ClientSide, onlyTrusted: boolean): string {
  const { peer, secure } = client;
  if (onlyTrusted) return forwardedLines(head, host, client);
  const { forwardedFor, forwardedProto, forwardedHost, forwardedPort } = head.fields;
  const port = portOf(host) || (secure ? '443' : '80');
  const after = (before: string, value: string) => (before === '' ? value : `${before},${value}`);
  return (
    `X-Forwarded-For: ${after(forwardedFor, peer)}\r\nX-Forwarded-Port: ${after(forwardedPort, port)}\r\n` +
    `X-Forwarded-Proto: ${after(forwardedProto, secure ? 'https' : 'http')}\r\nX-Forwarded-Host: ${forwardedHost || host}\r\n`
  );
}

/** The path and query that the target is asked for. */
function targetPath(asked: string, { prefix, place }: Target, { includePrefix, prependPath }: MannerOptions): string {
  const rest = includePrefix ? asked : withoutPrefix(asked, prefix);
  const { path, query } = prependPath ? place! : { path: '', query: '' };
  if (path === '') return rest.startsWith('/') ? withQuery(rest, query) : withQuery(`/${rest}`, query);
  return withQuery(path + rest, query);
}

/** @param query of the target, which comes first */
function withQuery(path: string, query: string): string {
  if (query === '') return path;
  return path.includes('?') ? path.replace('?', () => `${query}&`) : path + query;
}

/** Empty, or a query alone, when nothing is left. The path may be written with escapes where the prefix is not, so segments are counted. */
function withoutPrefix(asked: string, prefix: string): string {
  const query = asked.indexOf('?');
  const path = query < 0 ? asked : asked.slice(0, query);
  const segments = prefix === '' ? 0 : prefix.split('/').length - 1;
  const rest = path.split('/').slice(1 + segments);
  return rest.map((segment) => `/${segment}`).join('') + (query < 0 ? '' : asked.slice(query));
}

function withLocation(kept: string, host: string, { place }: Target, options: MannerOptions): string {
  return kept.replace(/^(location:[ \t]*)([^\r\n]*)/im, (line, name: string, value: string) => {
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (!url || url.host !== place!.authority) return line;
    const authority = options.autoRewrite && host !== '' ? host : url.host;
    const scheme = (options.protocolRewrite ?? url.protocol).replace(/:?$/, ':');
    return `${name}${scheme}//${authority}${url.pathname}${url.search}${url.hash}`;
  });
}
