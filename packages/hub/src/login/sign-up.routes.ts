import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { xsrfToken } from '../http/xsrf.ts';
import { t } from '../pages/strings.ts';
import { signUpDonePage, signUpPage } from '../pages/templates/sign-up.ts';
import { findSession } from '../sessions/sessions.service.ts';
import { EXPIRED, field, isOurForm, plainPage, queryOf, retryAfter } from './forms.ts';
import { signUp } from './sign-up.service.ts';

/** `{hub}signup`, where the authenticator keeps accounts and offers it. */
export const signUpRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const path = `${ctx.urls.hub}signup`;
  const modeOf = () => {
    const mode = ctx.authenticator.accounts?.signUp ?? 'off';
    if (mode === 'off') throw new HubError('not_found', 'Accounts are not made by sign-up on this hub.');
    return mode;
  };
  const titleOf = (mode: 'open' | 'approval') => (mode === 'open' ? t.signUp.title : t.signUp.askTitle);
  const show = (request: FastifyRequest, reply: FastifyReply, status: number, error?: string) => {
    const mode = modeOf();
    const body = signUpPage({
      ctx,
      mode,
      error,
      xsrf: xsrfToken(ctx, request, reply),
      next: field(queryOf(request), 'next'),
      username: field(request.body, 'username'),
    });
    return plainPage(ctx, reply, status, titleOf(mode), body);
  };

  app.get(path, { config: { public: true } }, async (request, reply) => {
    await findSession(ctx, request);
    return show(request, reply, 200);
  });

  app.post(path, { config: { public: true } }, async (request, reply) => {
    modeOf();
    if (!(await isOurForm(ctx, request))) return show(request, reply, 403, EXPIRED);
    const { body, ip } = request;
    const result = await signUp(ctx, field(body, 'username'), field(body, 'password'), ip);
    if (!result.ok) {
      if (result.retryAt === undefined) return show(request, reply, 400, result.message);
      retryAfter(ctx, reply, result.retryAt);
      return show(request, reply, 429, result.message);
    }
    return plainPage(
      ctx,
      reply,
      200,
      titleOf(result.mode),
      signUpDonePage({ ctx, mode: result.mode, name: result.name }),
    );
  });
};
