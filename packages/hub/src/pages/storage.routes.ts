import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AppContext } from '../context.ts';
import { xsrfToken } from '../http/xsrf.ts';
import {
  deleteOwnStorage,
  describeStorage,
  growStorage,
  restoreSnapshot,
  takeSnapshot,
} from '../storage/own-storage.service.ts';
import type { User } from '../users/users.service.ts';
import { answer, fieldOf, viewerOf } from './answer.ts';
import { t } from './strings.ts';
import { restoredFolder, type StorageModel, storagePage } from './templates/storage.ts';

/** A person's own storage, through the spawner's door. */
export const storageRoutes: FastifyPluginAsync<{ ctx: AppContext }> = async (app, { ctx }) => {
  const url = `${ctx.urls.hub}storage`;
  const config = { page: true } as const;

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    extra: Pick<StorageModel, 'error' | 'done'> & { status?: number } = {},
  ) {
    const { user } = viewerOf(request);
    const { status = 200, ...rest } = extra;
    const storage = await describeStorage(ctx, user).catch((err) => {
      ctx.log.error({ err, user: user.name }, 'the spawner could not describe somebody’s storage');
      return undefined;
    });
    const xsrf = xsrfToken(ctx, request, reply);
    const body = storagePage({ ctx, xsrf, now: ctx.clock.now(), name: user.name, storage, ...rest });
    return answer(ctx, request, reply, { title: t.storage.title, status }, body);
  }

  /** Does it, then shows the page that says so; what cannot be is said on the same page. */
  function form(action: string, act: (user: User, body: unknown) => Promise<unknown>): void {
    app.post(`${url}/${action}`, { config }, async (request, reply) => {
      try {
        await act(viewerOf(request).user, request.body);
      } catch (error) {
        if (!(error instanceof HubError) || error.status >= 500) throw error;
        return show(request, reply, { error: error.message, status: error.status });
      }
      return reply.redirect(`${url}?done=${action}`, 303);
    });
    // A form's page that is loaded again from the address bar.
    app.get(`${url}/${action}`, { config }, (_, reply) => reply.redirect(url, 302));
  }

  app.get(url, { config }, async (request, reply) => {
    const done: Record<string, string> = {
      restore: t.storage.restoring(restoredFolder(ctx.clock.now())),
      snapshot: t.storage.taken,
      grow: t.storage.grown,
      delete: t.storage.removed,
    };
    const what = fieldOf(request.query, 'done') ?? '';
    return show(request, reply, Object.hasOwn(done, what) ? { done: done[what] } : {});
  });

  form('restore', (user, body) => restoreSnapshot(ctx, user, fieldOf(body, 'snapshot') ?? ''));
  form('snapshot', (user) => takeSnapshot(ctx, user));
  form('grow', async (user, body) => {
    const size = Number(fieldOf(body, 'size'));
    const storage = await describeStorage(ctx, user);
    const least = storage.state === 'known' ? storage.info.sizeGb : 0;
    if (!Number.isInteger(size) || size <= least) throw new HubError('bad_request', t.storage.badSize(least));
    await growStorage(ctx, user, size);
  });
  form('delete', async (user, body) => {
    if (fieldOf(body, 'typed')?.trim() !== user.name) throw new HubError('bad_request', t.storage.notTyped);
    await deleteOwnStorage(ctx, user);
  });
};
