import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { asViewer } from '../http/requester.ts';
import { xsrfToken } from '../http/xsrf.ts';
import { page, sendPage } from '../pages/layout.ts';
import { t } from '../pages/strings.ts';
import { changePasswordPage, firstAdminPage, linkGonePage, resetPage } from '../pages/templates/set-password.ts';
import { createSession, findSession, knownSession } from '../sessions/sessions.service.ts';
import { normaliseUserName } from '../users/users.service.ts';
import { changePassword } from './change-password.service.ts';
import { EXPIRED, field, isOurForm, plainPage, queryOf, retryAfter } from './forms.ts';
import { createFirstAdmin, isFirstAdminLink, resetLinkUser, useResetLink } from './links.service.ts';

/** One-time links (first administrator, reset) and changing one's own password. */
export const passwordRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const { hub } = ctx.urls;
  const secretOf = (request: FastifyRequest) => field(queryOf(request), 'token');
  /** The link itself, for the form to post to; whatever else was in the query stays behind. */
  const linkPath = (kind: string, request: FastifyRequest) =>
    `${hub}${kind}?token=${encodeURIComponent(secretOf(request))}`;
  const gone = (reply: FastifyReply, kind: 'first-admin' | 'reset') =>
    plainPage(ctx, reply, 404, t.linkGone.title, linkGonePage({ ctx, kind }));

  const showFirstAdmin = (request: FastifyRequest, reply: FastifyReply, status: number, error?: string) => {
    const xsrf = xsrfToken(ctx, request, reply);
    const username = field(request.body, 'username');
    const body = firstAdminPage({ ctx, xsrf, path: linkPath('first-admin', request), error, username });
    return plainPage(ctx, reply, status, t.firstAdmin.title, body);
  };

  app.get(`${hub}first-admin`, { config: { public: true } }, async (request, reply) => {
    await findSession(ctx, request);
    if (!(await isFirstAdminLink(ctx, secretOf(request)))) return gone(reply, 'first-admin');
    return showFirstAdmin(request, reply, 200);
  });

  app.post(`${hub}first-admin`, { config: { public: true } }, async (request, reply) => {
    if (!(await isFirstAdminLink(ctx, secretOf(request)))) return gone(reply, 'first-admin');
    if (!(await isOurForm(ctx, request))) return showFirstAdmin(request, reply, 403, EXPIRED);
    const name = normaliseUserName(field(request.body, 'username'));
    const made = await createFirstAdmin(ctx, secretOf(request), name, field(request.body, 'password'));
    if (!made.ok && made.reason === 'gone') return gone(reply, 'first-admin');
    if (!made.ok) return showFirstAdmin(request, reply, 400, made.message);
    await createSession(ctx, made.user, request, reply);
    return reply.header('cache-control', 'no-store').redirect(`${hub}home`, 302);
  });

  const showReset = (request: FastifyRequest, reply: FastifyReply, status: number, name: string, error?: string) => {
    const xsrf = xsrfToken(ctx, request, reply);
    const body = resetPage({ ctx, xsrf, path: linkPath('reset', request), name, error });
    return plainPage(ctx, reply, status, t.reset.title, body);
  };

  app.get(`${hub}reset`, { config: { public: true } }, async (request, reply) => {
    await findSession(ctx, request);
    const user = await resetLinkUser(ctx, secretOf(request));
    return user ? showReset(request, reply, 200, user.name) : gone(reply, 'reset');
  });

  app.post(`${hub}reset`, { config: { public: true } }, async (request, reply) => {
    const user = await resetLinkUser(ctx, secretOf(request));
    if (!user) return gone(reply, 'reset');
    if (!(await isOurForm(ctx, request))) return showReset(request, reply, 403, user.name, EXPIRED);
    const problem = await useResetLink(ctx, secretOf(request), field(request.body, 'password'));
    if (problem === 'gone') return gone(reply, 'reset');
    if (problem !== null) return showReset(request, reply, 400, user.name, problem);
    return reply.header('cache-control', 'no-store').redirect(`${hub}login`, 302);
  });

  const showChange = (
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    { error, done }: { error?: string; done?: boolean } = {},
  ) => {
    const requester = asViewer(request.requester);
    if (!requester || !ctx.authenticator.accounts) {
      throw new HubError('not_found', 'This hub keeps no passwords of its own.');
    }
    const xsrf = xsrfToken(ctx, request, reply);
    const body = changePasswordPage({ ctx, xsrf, name: requester.user.name, error, done });
    return sendPage(ctx, reply, status, page(ctx, { title: t.changePassword.title, requester }, body));
  };

  app.get(`${hub}change-password`, { config: { page: true } }, async (request, reply) =>
    showChange(request, reply, 200),
  );

  app.post(`${hub}change-password`, { config: { page: true } }, async (request, reply) => {
    const session = knownSession(request);
    if (!session) throw new HubError('not_authenticated', 'Sign in first, then try again.');
    const { body, ip } = request;
    const result = await changePassword(ctx, session, field(body, 'old_password'), field(body, 'password'), ip);
    if (result.ok) return showChange(request, reply, 200, { done: true });
    if (result.retryAt === undefined) return showChange(request, reply, result.status, { error: result.message });
    retryAfter(ctx, reply, result.retryAt);
    return showChange(request, reply, 429, { error: result.message });
  });
};
