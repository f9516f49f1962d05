import { HubError } from '@atrium/sdk';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';

const ACCEPT = 'application/jupyterhub-pagination+json';
const MAX_LIMIT = 200;
const DEFAULT_LIMIT = 50;

/** Read as text: what cannot be a number has an answer of its own. */
const WHOLE = /^\s*[+-]?\d{1,15}\s*$/;
const whole = z.string().meta({ pattern: WHOLE.source }).optional();
export const PageQuery = z.object({
  offset: whole.describe('How many to leave out.'),
  limit: whole.describe(`How many at most; ${MAX_LIMIT} is the limit of the limit.`),
});

export interface Page {
  offset: number;
  limit: number;
}

/** A list alone, or with its position when the client asked for that (contract §3.2). */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.union([z.array(item), z.object({ items: z.array(item), _pagination: Position })]);
}

/** A list that always comes with its position (contract §3.2). */
export function alwaysPageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), _pagination: Position });
}

const Position = z.object({
  offset: z.number(),
  limit: z.number(),
  total: z.number(),
  next: z.object({ offset: z.number(), limit: z.number(), url: z.string() }).nullable(),
});

/** As `pageOf`, for what has names instead of an order. */
export function pageOfRecord<Item extends z.ZodType>(item: Item) {
  const items = z.record(z.string(), item);
  return z.union([z.object({ items, _pagination: Position }), items]);
}

/** An exact member of `Accept`; with a parameter it is not recognised, as in JupyterHub. */
export function wantsPosition(request: FastifyRequest): boolean {
  return (request.headers.accept ?? '').split(',').some((member) => member.trim().toLowerCase() === ACCEPT);
}

/** @throws HubError `bad_request` when they are not whole numbers. */
export function readPage(request: FastifyRequest, query: z.output<typeof PageQuery>): Page {
  const [offset = 0, limit = wantsPosition(request) ? DEFAULT_LIMIT : MAX_LIMIT] = [query.offset, query.limit].map(
    (text) => {
      if (text === undefined) return undefined;
      if (!WHOLE.test(text)) {
        throw new HubError('bad_request', 'Invalid argument type, offset and limit must be integers');
      }
      return Math.abs(Number(text));
    },
  );
  return { offset, limit: Math.min(Math.max(limit, 1), MAX_LIMIT) };
}

export function paged<T>(request: FastifyRequest, page: Page, total: number, items: T[]) {
  return wantsPosition(request) ? withPosition(request, page, total, items) : items;
}

/** As `paged`, whether it was asked for or not. */
export function withPosition<T>(request: FastifyRequest, page: Page, total: number, items: T[]) {
  const { offset, limit } = page;
  const more = offset + limit < total;
  const next = more ? { offset: offset + limit, limit, url: urlWith(request, offset + limit, limit) } : null;
  return { items, _pagination: { offset, limit, total, next } };
}

/** One page of all entries. */
export function pagedRecord<T>(request: FastifyRequest, page: Page, entries: readonly (readonly [string, T])[]) {
  const shown = entries.slice(page.offset, page.offset + page.limit);
  const items = Object.fromEntries(shown) as Record<string, T>;
  const answer = paged(request, page, entries.length, []);
  return Array.isArray(answer) ? items : { items, _pagination: answer._pagination };
}

/** The request's own host, so that whoever asked can follow it literally. */
function urlWith(request: FastifyRequest, offset: number, limit: number): string {
  const url = new URL(request.url, `${request.protocol}://${request.host || 'localhost'}`);
  url.searchParams.set('offset', String(offset));
  url.searchParams.set('limit', String(limit));
  return url.href;
}
