import { STATUS_CODES } from 'node:http';
import { type ErrorCode, HubError } from '@atrium/sdk';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { page, sendPage } from '../pages/layout.ts';
import { errorPage, errorTitle } from '../pages/templates/error.ts';
import { databaseFault } from './database-fault.ts';
import { asViewer, isApi, pathOf, requesterOf } from './requester.ts';

/** What the token endpoint answers when it refuses (contract §2.4, RFC 6749 §5.2). */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly error: string;
  readonly status: number;

  constructor(error: string, description: string, status = 400) {
    super(description);
    this.error = error;
    this.status = status;
  }
}

interface Refusal {
  status: number;
  code: ErrorCode | undefined;
  message: string;
  facts: Record<string, unknown>;
}

/** Ours and the framework's own refusals say what they are; anything else is a bug and says nothing to the client. */
function refusalOf(err: unknown): Refusal {
  const fault = err instanceof HubError ? err : databaseFault(err);
  if (fault) return { status: fault.status, code: fault.code, message: fault.message, facts: fault.facts };
  const { statusCode, code, message } = err as { statusCode?: unknown; code?: unknown; message?: unknown };
  const refused = typeof code === 'string' && code.startsWith('FST_') && typeof statusCode === 'number';
  if (refused && statusCode === 413) return { status: 413, code: 'too_large', message: String(message), facts: {} };
  if (refused && statusCode < 500) {
    return {
      status: statusCode,
      code: statusCode === 400 ? 'bad_request' : undefined,
      message: String(message),
      facts: {},
    };
  }
  return { status: 500, code: 'internal', message: STATUS_CODES[500] ?? '', facts: {} };
}

/** Whether a failed request is answered with a page. */
function wantsPage(ctx: AppContext, request: FastifyRequest): boolean {
  return request.routeOptions.config.page === true || !isApi(ctx, pathOf(request));
}

function loggedPath(request: FastifyRequest): string {
  const { config, url } = request.routeOptions;
  return config.secretPath ? (url ?? '') : pathOf(request);
}

/** Also for a page that shows a refusal in place of an error page. */
export function tellWhenToRetry(err: unknown, reply: FastifyReply): void {
  if (err instanceof HubError && err.retryAfter !== undefined) reply.header('retry-after', String(err.retryAfter));
}

/** The one place where an exception becomes a response. JupyterHub's clients read `status` and `message`. */
export async function sendError(
  ctx: AppContext,
  err: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (err instanceof OAuthError) {
    request.log.info({ oauthError: err.error, description: err.message }, 'token refused');
    return reply
      .code(err.status)
      .headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
      .send({ error: err.error, error_description: err.message });
  }
  const { status, code, message, facts } = refusalOf(err);
  tellWhenToRetry(err, reply);
  const where = { ...facts, status, url: loggedPath(request) };
  // A refusal is everyday and planned: its stack tells nothing, and anybody can cause as many as they like.
  if (status < 500) request.log.info({ code, reason: message, ...where }, 'request refused');
  else request.log.error({ err, ...where }, 'request failed');
  if (!wantsPage(ctx, request)) return reply.code(status).send({ status, message, code, request_id: request.id });

  // Whoever cannot be looked up now (the database is gone) still gets the page.
  const requester = asViewer(await requesterOf(ctx, request).catch(() => null));
  const body = errorPage({
    ctx,
    status,
    code,
    message: code === 'internal' ? undefined : message,
    requestId: request.id,
    signedIn: requester !== null,
  });
  return sendPage(ctx, reply, status, page(ctx, { title: errorTitle(status), requester }, body));
}
