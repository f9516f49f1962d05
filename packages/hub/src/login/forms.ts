import { HubError } from '@atrium/sdk';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { checkXsrf } from '../http/xsrf.ts';
import type { Html } from '../pages/html.ts';
import { page, sendPage } from '../pages/layout.ts';
import { findSession } from '../sessions/sessions.service.ts';

/** A field of a posted form or of the query; '' when it is absent or given twice. */
export function field(from: unknown, name: string): string {
  const value = (from as Record<string, unknown> | null | undefined)?.[name];
  return typeof value === 'string' ? value : '';
}

export function queryOf(request: FastifyRequest): Record<string, unknown> {
  return request.query as Record<string, unknown>;
}

/** Whether a form that was posted is ours. False when its check failed: then it is shown again, and nothing is done. */
export async function isOurForm(ctx: AppContext, request: FastifyRequest): Promise<boolean> {
  await findSession(ctx, request);
  try {
    checkXsrf(ctx, request);
    return true;
  } catch (error) {
    if (error instanceof HubError && error.code === 'xsrf') return false;
    throw error;
  }
}

/** A page for somebody who is not signed in, or whose being signed in does not matter. */
export function plainPage(
  ctx: AppContext,
  reply: FastifyReply,
  status: number,
  title: string,
  body: Html,
): FastifyReply {
  return sendPage(ctx, reply, status, page(ctx, { title, requester: null }, body));
}

/** `Retry-After`, whole seconds. */
export function retryAfter(ctx: AppContext, reply: FastifyReply, at: number): void {
  reply.header('retry-after', String(Math.max(1, Math.ceil((at - ctx.clock.now()) / 1000))));
}

/** For a form whose check failed: it was open for too long, or the person signed in elsewhere meanwhile. */
export const EXPIRED = 'This form was open for too long. Nothing was changed. Try again.';
