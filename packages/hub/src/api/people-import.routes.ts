import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { originOf } from '../pages/answer.ts';
import { type ImportReport, importPeople, MOST_LINES } from '../people/import/import.service.ts';
import { ImportModel } from './atrium-models.ts';
import { strictBody } from './models.ts';
import { requesterIn } from './requester-in.ts';
import { isoTime } from './times.ts';

const Body = strictBody({
  csv: z
    .string()
    .max(2_000_000)
    .describe(
      `The file's text. The first line names the columns: name, and if you like groups (with ; , or | between them) and admin (yes or no). At most ${MOST_LINES} lines.`,
    ),
  dry_run: z.boolean().default(true).describe('Only says what would happen.'),
  on_error: z.enum(['nothing', 'skip']).default('nothing').describe('`skip`: leave out lines with something wrong.'),
  links: z.boolean().default(false).describe('Addresses where new people set their password, once.'),
});

const Refused = ImportModel.extend({ status: z.literal(422), message: z.string(), code: z.string() }).meta({
  title: 'ImportRefused',
});

/** People from a table. Whoever is there already is changed, and never loses a group by it. */
export const peopleImportRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.post('/atrium/people/import', {
    config: { scopes: ['admin:users'] },
    schema: {
      summary: 'Make and change accounts from a CSV file, or see what it would do',
      description: 'With errors nothing is imported and the answer is 422, unless `on_error` is `skip`.',
      body: Body,
      response: { 200: ImportModel, 422: Refused },
      refuses: [409],
    },
    async handler(request, reply) {
      const { csv, dry_run: dryRun, on_error: onError, links } = request.body;
      const { principal: by, scopes } = requesterIn(request);
      const wishes = { csv, dryRun, skipErrors: onError === 'skip', links, by, scopes };
      const report = await importPeople(ctx, wishes);
      const answer = present(report, dryRun, originOf(ctx, request));
      reply.header('cache-control', 'no-store');
      if (dryRun || report.applied) return reply.code(200).send(answer);
      const [first] = report.problems;
      const more = report.problems.length > 1 ? ` There are ${report.problems.length - 1} more.` : '';
      const message = `Nothing was imported. Line ${first?.line}: ${first?.message}${more}`;
      return reply.code(422).send({ status: 422, message, code: 'unprocessable', ...answer });
    },
  });
};

function present(report: ImportReport, dryRun: boolean, origin: string): z.output<typeof ImportModel> {
  const totals = { create: 0, change: 0, same: 0, error: 0 };
  for (const { outcome } of report.lines) totals[outcome] += 1;
  return {
    dry_run: dryRun,
    applied: report.applied,
    delimiter: report.delimiter,
    columns: report.columns,
    ignored_columns: report.ignored,
    rows: report.lines.map(({ line, name, outcome, admin, addGroups, newGroups, message, link }) => ({
      line,
      name,
      outcome,
      admin,
      add_groups: addGroups,
      new_groups: newGroups,
      message,
      ...(link && { link: { url: origin + link.path, expires_at: isoTime(link.expiresAt) } }),
    })),
    errors: report.problems,
    totals,
  };
}
