import type { FastifyPluginAsync } from 'fastify';
import type { AppContext } from '../context.ts';

/** What browsers send reports as: the old way, and that of the Reporting API. */
const TYPES = ['application/csp-report', 'application/reports+json'];

/** The directive, and nothing else: addresses in a report may hold what opens somebody's server. */
function directiveOf(body: unknown): string | undefined {
  if (typeof body !== 'string') return undefined;
  const found = /"(?:effective-directive|violated-directive|effectiveDirective)"\s*:\s*"([a-z- ]{1,60})/.exec(body);
  return found?.[1];
}

/** `{hub}security/csp-report`, which our policies name: counts what a browser refused to load on our pages. */
export const cspReportRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.addContentTypeParser([...TYPES, 'application/json'], { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
  app.post(
    `${ctx.urls.hub}security/csp-report`,
    { config: { page: true, repeatable: true } },
    async (request, reply) => {
      ctx.metrics.cspReports.inc({});
      ctx.log.warn({ directive: directiveOf(request.body) }, 'a browser refused something on a page of ours');
      return reply.type('text/html').send('');
    },
  );
};
