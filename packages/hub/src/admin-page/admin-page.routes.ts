import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { requireScope } from '../http/requester.ts';
import { xsrfToken } from '../http/xsrf.ts';
import { answer, viewerOf } from '../pages/answer.ts';
import { type Html, html } from '../pages/html.ts';
import { t } from '../pages/strings.ts';
import { ADMIN_FILES, type AdminFile, type BuiltFile, readBuiltPage } from './files.ts';

/** Each view has an address of its own, and any of them may be the first one opened. */
const VIEWS = [
  '',
  '/people',
  '/people/:name',
  '/import',
  '/groups',
  '/groups/:name',
  '/servers',
  '/services',
  '/announcements',
] as const;

const YEAR = 31_536_000;

/** The frame that packages/admin draws itself into, and its files. It asks the API like everybody else. */
export const adminPageRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const { hub, base, api } = ctx.urls;
  const built = readBuiltPage();

  async function show(request: FastifyRequest, reply: FastifyReply) {
    const viewer = viewerOf(request);
    await requireScope(ctx, viewer, ['admin-ui'], { user: viewer.user.name, server: '' });
    const xsrf = xsrfToken(ctx, request, reply);
    const facts = { base, hub, api, xsrf, user: viewer.user.name, brand: ctx.config.branding.name };
    const body = built ? frame(facts, built) : notBuilt(hub);
    return answer(ctx, request, reply, { title: t.admin.title, current: 'admin', wide: true }, body);
  }

  for (const view of VIEWS) app.get(`${hub}admin${view}`, { config: { page: true } }, show);

  if (!built) return;
  for (const name of ADMIN_FILES) {
    app.get<{ Params: { version: string } }>(
      `${hub}static/:version/${name}`,
      { config: { public: true } },
      async ({ params: { version }, headers }, reply) => {
        const { body, gzipped, type, version: current } = built[name];
        const small = /\bgzip\b/.test(String(headers['accept-encoding'] ?? ''));
        // Another version is another release's page still open: it gets what there is, but may not keep it.
        const keep = version === current ? `public, max-age=${YEAR}, immutable` : 'no-cache';
        reply.headers({ 'cache-control': keep, 'x-content-type-options': 'nosniff', vary: 'accept-encoding' });
        if (small) reply.header('content-encoding', 'gzip');
        return reply.type(type).send(small ? gzipped : body);
      },
    );
  }

  function frame(facts: Readonly<Record<string, string>>, files: Record<AdminFile, BuiltFile>): Html {
    const url = (name: AdminFile) => `${hub}static/${files[name].version}/${name}`;
    return html`<link rel="stylesheet" href="${url('admin.css')}">
<div id="admin" data-facts="${JSON.stringify(facts)}"><noscript><p class="note busy">${t.admin.needsScript} <a href="${hub}admin/plain">${t.admin.plain}</a></p></noscript></div>
<script src="${url('admin.js')}" defer></script>`;
  }
};

function notBuilt(hub: string): Html {
  return html`<h1>${t.admin.title}</h1>
<p class="note busy">${t.admin.notBuilt} <a href="${hub}admin/plain">${t.admin.plain}</a></p>`;
}
