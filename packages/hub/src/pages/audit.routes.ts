import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { type AuditFilter, searchAudit } from '../audit/audit.service.ts';
import { auditCsv, csvHeaders } from '../audit/audit-csv.ts';
import type { AppContext } from '../context.ts';
import { requireScope } from '../http/requester.ts';
import { answer, fieldOf, viewerOf } from './answer.ts';
import { t } from './strings.ts';
import { type AuditSearch, auditPage } from './templates/audit.ts';

const PAGE_SIZE = 50;
const DAY_MS = 86_400_000;

/** The audit trail, for administrators. */
export const auditRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const url = `${ctx.urls.hub}admin/audit`;
  const config = { page: true } as const;
  // About everybody: a scope that covers some people is not enough.
  const allowed = (request: FastifyRequest) => requireScope(ctx, viewerOf(request), ['admin:users']);

  app.get(url, { config }, async (request, reply) => {
    await allowed(request);
    const search = searchOf(request);
    const filter = filterOf(search);
    const before = Number(fieldOf(request.query, 'before')) || undefined;
    const found = filter ? await searchAudit(ctx, { ...filter, before }, PAGE_SIZE) : { records: [], next: null };
    const error = filter ? undefined : t.audit.badDate;
    const body = auditPage({ ctx, search, ...found, later: before !== undefined, error });
    const status = filter ? 200 : 400;
    return answer(ctx, request, reply, { status, title: t.audit.title, current: 'admin', wide: true }, body);
  });

  app.get(`${url}.csv`, { config }, async (request, reply) => {
    await allowed(request);
    const filter = filterOf(searchOf(request));
    if (!filter) return reply.redirect(`${url}?${request.url.split('?', 2)[1] ?? ''}`, 302);
    return reply.headers(csvHeaders('audit')).type('text/csv; charset=utf-8').send(auditCsv(ctx, filter));
  });
};

function searchOf({ query }: FastifyRequest): AuditSearch {
  const field = (name: string) => (fieldOf(query, name) ?? '').trim().slice(0, 255);
  return {
    user: field('user'),
    action: field('action'),
    q: field('q'),
    since: field('since'),
    until: field('until'),
  };
}

/** Days count wholly, in UTC. Undefined when one is no day. */
function filterOf({ user, action, q, since, until }: AuditSearch): AuditFilter | undefined {
  const [from, to] = [since, until].map((day) => {
    if (day === '') return undefined;
    return /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  });
  if (Number.isNaN(from) || Number.isNaN(to)) return undefined;
  return {
    user: user || undefined,
    action: action || undefined,
    q: q || undefined,
    since: from,
    until: to === undefined ? undefined : to + DAY_MS,
  };
}
