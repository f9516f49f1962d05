import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type AuditFilter, type AuditRecord, searchAudit } from '../audit/audit.service.ts';
import { auditCsv, csvHeaders } from '../audit/audit-csv.ts';
import type { AppContext } from '../context.ts';
import { AuditEntryModel } from './atrium-models.ts';

const text = (what: string) => z.string().min(1).max(255).optional().describe(what);
const moment = (what: string) =>
  z.iso
    .datetime({ offset: true })
    .or(z.iso.date())
    .optional()
    .describe(`${what}: \`2026-11-21\` or \`2026-11-21T18:00:00Z\`.`);

const Query = z.object({
  action: text('`server.start`, or `server` for everything about servers.'),
  by: text('Name of whoever did it.'),
  of: text('Name of what it was done to, or of the person that belongs to.'),
  user: text('Either of the two.'),
  q: text('Somewhere in an entry, whatever the case.'),
  since: moment('From this time on'),
  until: moment('Before this time'),
});

const whole = z.coerce.number().int();

const PageOfQuery = Query.extend({
  before: whole.positive().optional().describe('Older than this entry: `next` of an earlier answer.'),
  limit: whole.min(1).max(200).default(50).describe('How many at most.'),
});

const Entries = z
  .object({ items: z.array(AuditEntryModel), next: z.number().nullable() })
  .meta({ title: 'AuditEntries' });

function filterOf({ since, until, ...rest }: z.output<typeof Query>): AuditFilter {
  return {
    ...rest,
    since: since === undefined ? undefined : Date.parse(since),
    until: until === undefined ? undefined : Date.parse(until),
  };
}

function present({ at, ip, requestId, ...record }: AuditRecord): z.output<typeof AuditEntryModel> {
  return { ...record, time: new Date(at).toISOString(), from: ip, request_id: requestId };
}

/** The audit trail. It is about everybody, so a scope that covers some people only is not enough. */
export const auditApiRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  const config = { scopes: ['admin:users'] };

  app.get('/atrium/audit', {
    config,
    schema: { summary: 'Who did what to whom, newest first', querystring: PageOfQuery, response: { 200: Entries } },
    async handler(request, reply) {
      const { before, limit, ...query } = request.query;
      const { records, next } = await searchAudit(ctx, { ...filterOf(query), before }, limit);
      reply.header('cache-control', 'no-store');
      return { items: records.map(present), next };
    },
  });

  app.get('/atrium/audit.csv', {
    config,
    schema: {
      summary: 'The same, all that fits, as text/csv',
      querystring: Query,
      answers: { 200: { type: 'text/csv', description: 'A table with a line of headings' } },
    },
    handler: async (request, reply) =>
      reply
        .headers(csvHeaders('audit'))
        .type('text/csv; charset=utf-8')
        .send(auditCsv(ctx, filterOf(request.query))),
  });
};
