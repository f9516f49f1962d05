import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { xsrfToken } from '../http/xsrf.ts';
import { ownAddress } from '../pages/answer.ts';
import { t } from '../pages/strings.ts';
import { loginPage } from '../pages/templates/login.ts';
import { notAllowedPage } from '../pages/templates/not-allowed.ts';
import { stopServersOf } from '../servers/servers.service.ts';
import { createSession, endSession, findSession } from '../sessions/sessions.service.ts';
import { field, isOurForm, plainPage, queryOf, retryAfter } from './forms.ts';
import { keepLoginTidy } from './housekeeping.ts';
import { signIn } from './login.service.ts';
import { destination } from './next.ts';
import { passwordRoutes } from './password.routes.ts';
import { signUpRoutes } from './sign-up.routes.ts';

const FORM_EXPIRED = 'Login form invalid or expired. Try again.';

interface Again {
  username?: string;
  error?: string;
  until?: number | undefined;
}

/** Signing in and out, sign-up, and the pages about passwords (contract §2.7, §5.1). */
export const loginRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const { hub } = ctx.urls;
  const closing = new AbortController();
  let tidy: Promise<void> | undefined;
  app.addHook('onListen', async () => {
    tidy = keepLoginTidy(ctx, closing.signal);
  });
  app.addHook('onClose', async () => {
    closing.abort();
    await tidy;
  });
  await app.register(signUpRoutes, { ctx });
  await app.register(passwordRoutes, { ctx });

  const show = (
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    { username, error, until }: Again = {},
  ) => {
    const body = loginPage({
      ctx,
      next: field(queryOf(request), 'next'),
      xsrf: xsrfToken(ctx, request, reply),
      username,
      error,
      locked: until === undefined ? undefined : { until, now: ctx.clock.now() },
      signUp: ctx.authenticator.accounts?.signUp ?? 'none',
    });
    return plainPage(ctx, reply, status, t.signIn.title, body);
  };
  const goOn = (request: FastifyRequest, reply: FastifyReply) =>
    reply
      .header('cache-control', 'no-store')
      .redirect(destination(queryOf(request), hub, ownAddress(ctx, request)), 302);

  app.get(`${hub}login`, { config: { public: true } }, async (request, reply) =>
    (await findSession(ctx, request)) ? goOn(request, reply) : show(request, reply, 200),
  );

  app.post(`${hub}login`, { config: { public: true, repeatable: true } }, async (request, reply) => {
    const username = field(request.body, 'username');
    if (!(await isOurForm(ctx, request))) return show(request, reply, 403, { username, error: FORM_EXPIRED });
    const result = await signIn(ctx, request.body, request.ip);
    if (result.ok) {
      await createSession(ctx, result.user, request, reply);
      xsrfToken(ctx, request, reply);
      return goOn(request, reply);
    }
    const { reason, name, message, retryAt, rules } = result;
    if (retryAt !== undefined) retryAfter(ctx, reply, retryAt);
    if (reason === 'locked') return show(request, reply, 429, { username, error: message, until: retryAt });
    if (reason === 'refused') return show(request, reply, 403, { username, error: message, until: retryAt });
    return plainPage(ctx, reply, 403, t.notAllowed.title, notAllowedPage({ ctx, name, message, rules }));
  });

  // Without a form's check, as the contract says: JupyterLab's menu links here.
  app.get(`${hub}logout`, { config: { public: true } }, async (request, reply) => {
    const began = performance.now();
    const session = await findSession(ctx, request);
    await endSession(ctx, request, reply);
    if (session && ctx.config.sessions.stopServers) await stopServersOf(ctx, session.user);
    ctx.metrics.logouts.observe({}, (performance.now() - began) / 1000);
    return reply.header('cache-control', 'no-store').redirect(`${hub}login`, 302);
  });
};
