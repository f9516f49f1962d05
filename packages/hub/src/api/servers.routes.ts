import { HubError, type Json } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { isRepeated } from '../http/repeat.ts';
import { mayDo } from '../http/requester.ts';
import { checkBeforeStart } from '../login/refresh.service.ts';
import {
  createServer,
  findServer,
  logName,
  namedServerLimit,
  namedServersOff,
  patchServer,
} from '../servers/servers.service.ts';
import { actorName } from '../users/principal.ts';
import { Empty, ServerModel, ServerParams, strictBody } from './models.ts';
import { presentServer } from './present.ts';
import { requesterIn } from './requester-in.ts';
import { readStartBody, startAndWait, stopAndWait } from './servers.service.ts';
import { userNamed } from './users.service.ts';

// The body was JSON, so its values are.
const UserOptions = z.record(z.string(), z.unknown() as z.ZodType<Json>);
const PutBody = strictBody({ display_name: z.string().nullish(), user_options: UserOptions.nullish() });
const PatchBody = strictBody({
  name: z.string().optional(),
  display_name: z.string().optional(),
  user_options: UserOptions.optional(),
}).refine((body) => Object.keys(body).length > 0, 'Nothing to change');
const StartBody = z
  .record(z.string(), z.unknown())
  .nullish()
  .describe('`{display_name, user_options}`, or the options themselves. Empty: those of last time.');
const DeleteBody = z.looseObject({ remove: z.boolean().default(false) });

/** A path with a name, and the two that mean the default server (contract §3.6: the empty name equals it). */
const PATHS = [
  { url: '/users/:user/server', server: '' },
  { url: '/users/:user/servers/', server: '' },
  { url: '/users/:user/servers/:server' },
] as const;

export const serverRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  for (const path of PATHS) {
    const { url } = path;
    const about = 'server' in path ? { server: path.server } : {};
    const which = 'server' in path ? 'default server' : 'named server';
    const params = ServerParams;

    app.get(url, {
      config: { scopes: ['read:servers'], ...about },
      schema: { summary: `Get a user's ${which}`, params, response: { 200: ServerModel } },
      async handler(request) {
        const { user: name, server: serverName = '' } = request.params;
        const user = await userNamed(ctx, name);
        const server = await findServer(ctx.db, user.id, serverName);
        if (!server && serverName !== '') throw noServer(user.name, serverName);
        const target = { user: user.name, server: serverName };
        const withState = await mayDo(ctx, requesterIn(request), ['admin:server_state'], target);
        return presentServer(ctx, user, serverName, server, withState);
      },
    });

    app.put(url, {
      config: { scopes: ['start:servers'], ...about },
      schema: {
        summary: `Create a ${which}, not started`,
        params,
        body: PutBody.nullish(),
        response: { 201: ServerModel },
        refuses: [409, 422],
      },
      async handler(request, reply) {
        const { user: name, server: serverName = '' } = request.params;
        const user = await userNamed(ctx, name);
        if (serverName === '') throw new HubError('name_taken', `Server ${logName(user.name, '')} already exists`);
        const server = await createServer(ctx, user, serverName, {
          displayName: request.body?.display_name ?? undefined,
          userOptions: request.body?.user_options ?? undefined,
        });
        return reply.code(201).send(presentServer(ctx, user, serverName, server, false));
      },
    });

    app.post(url, {
      config: { scopes: ['start:servers'], repeatable: true, ...about },
      schema: {
        summary: `Start a ${which}`,
        description: 'Answers 201 when it is ready, or 202 when it takes longer; the progress URL then tells more.',
        params,
        reads: { body: StartBody },
        response: { 201: Empty, 202: Empty },
        refuses: [422, 429],
        refusesOtherwise: 'Refused by the spawner, which chose this status',
      },
      async handler(request, reply) {
        const { user: name, server: serverName = '' } = request.params;
        const wanted = readStartBody(request.body);
        const { via, user: asker } = requesterIn(request);
        const found = await userNamed(ctx, name);
        const user = await checkBeforeStart(ctx, found, { own: via.kind === 'session' && asker?.id === found.id });
        const ready = await startAndWait(ctx, user, serverName, {
          ...wanted,
          by: actorName(requesterIn(request).principal),
          again: isRepeated(request),
        });
        return reply.code(ready ? 201 : 202).send();
      },
    });

    app.patch(url, {
      config: { scopes: ['start:servers'], ...about },
      schema: {
        summary: `Change a stopped ${which}`,
        params,
        body: PatchBody,
        response: { 200: ServerModel },
        refuses: [409, 422],
      },
      async handler(request) {
        const { user: name, server: serverName = '' } = request.params;
        const user = await userNamed(ctx, name);
        const server = await findServer(ctx.db, user.id, serverName);
        if (!server) throw noServer(user.name, serverName);
        const { name: newName, display_name: displayName, user_options: userOptions } = request.body;
        const changed = await patchServer(ctx, user, server, {
          ...(newName !== undefined && { name: newName }),
          ...(displayName !== undefined && { displayName }),
          ...(userOptions !== undefined && { userOptions }),
        });
        return presentServer(ctx, user, changed.name, changed, false);
      },
    });

    app.delete(url, {
      config: { scopes: ['delete:servers'], ...about },
      schema: {
        summary: `Stop a ${which}`,
        description:
          'Answers 204 when it has stopped, or 202 when that takes longer. With `remove`, a named one is forgotten.',
        params,
        body: DeleteBody.nullish(),
        response: { 202: Empty, 204: Empty },
      },
      async handler(request, reply) {
        const { user: name, server: serverName = '' } = request.params;
        const remove = request.body?.remove ?? false;
        const user = await userNamed(ctx, name);
        if (serverName === '' && remove) throw new HubError('bad_request', 'Cannot remove the default server');
        const server = await findServer(ctx.db, user.id, serverName);
        // One that is there can be stopped, whatever its owner may have by now.
        if (!server && serverName !== '') {
          if ((await namedServerLimit(ctx, user)) === 0) throw namedServersOff();
          throw noServer(user.name, serverName);
        }
        const gone =
          !server || (await stopAndWait(ctx, server, { by: actorName(requesterIn(request).principal), remove }));
        return reply.code(gone ? 204 : 202).send();
      },
    });
  }
};

function noServer(user: string, server: string): HubError {
  return new HubError('not_found', `${user} has no server named '${server}'`);
}
