import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { AppContext } from '../context.ts';
import { escapeText } from '../pages/html.ts';
import { findServer, isReady, logName, type Server, type ServerEvent } from '../servers/servers.service.ts';
import { placeInQueue } from '../servers/start-times.service.ts';
import { EventStream } from './event-stream.ts';
import { ServerParams } from './models.ts';
import { ProgressFeed } from './progress-feed.ts';
import { userNamed } from './users.service.ts';

/** Contract §3.8, ms: keeps middleboxes from closing a stream on which nothing happens. */
const KEEP_ALIVE = 8_000;
const PATHS = [
  { url: '/users/:user/server/progress', server: '' },
  { url: '/users/:user/servers//progress', server: '' },
  { url: '/users/:user/servers/:server/progress' },
] as const;

export const progressRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  const feed = new ProgressFeed(ctx);
  const streams = new Set<ProgressStream>();
  const closing = new AbortController();
  app.addHook('preClose', async () => {
    closing.abort();
    feed.close();
    for (const stream of streams) stream.end();
  });
  // One timer for all streams.
  const breathe = async () => {
    while (!closing.signal.aborted) {
      await ctx.clock.sleep(KEEP_ALIVE, closing.signal).catch(() => {});
      for (const stream of streams) stream.breatheAndSay();
    }
  };
  void breathe();

  for (const path of PATHS) {
    app.get(path.url, {
      config: { scopes: ['read:servers'], ...('server' in path && { server: path.server }) },
      schema: {
        summary: 'Follow a start (server-sent events)',
        params: ServerParams,
        answers: { 200: { type: 'text/event-stream', description: 'Events, until the start is over' } },
      },
      async handler(request, reply) {
        const { user: name, server: serverName = '' } = request.params;
        const user = await userNamed(ctx, name);
        const server = await findServer(ctx.db, user.id, serverName);
        const starting = server?.desired === 'running';
        if (!server || !(starting || server.failure)) {
          throw new HubError('not_found', `${logName(user.name, serverName)} is not starting...`);
        }
        const stream = new ProgressStream(reply);
        streams.add(stream);
        stream.onClose(() => streams.delete(stream));
        if (isReady(server)) stream.finish(readyEvent(ctx, server));
        else if (!starting && server.failure) {
          stream.finish(failedEvent(`Spawn failed: ${server.failure.message}`));
        } else await follow(ctx, feed, stream, server);
        return reply;
      },
    });
  }
};

async function follow(ctx: AppContext, feed: ProgressFeed, stream: ProgressStream, server: Server): Promise<void> {
  const behindStop = server.phase === 'stopping';
  if (behindStop) stream.tell({ progress: 0, message: 'Waiting until the server has stopped' });
  // The next start is asked for already, and has its own number once the stop is over: the story of this one is told.
  const start = behindStop ? { ...server, generation: server.generation + 1 } : server;
  const stop = await feed.follow(start, {
    events(events) {
      for (const event of events) {
        if (stream.closed) return;
        const json = presentEvent(ctx, server, event);
        if ('ready' in json || 'failed' in json) stream.finish(json);
        else stream.tell(json);
      }
    },
    lost: () => stream.finish(failedEvent('Spawn cancelled')),
  });
  stream.onClose(stop);
  // After the first event, which clients take for the beginning of the start.
  if (server.phase === 'queued') tellPlace(ctx, stream, server);
}

/** Its place in the queue, whenever that has changed, until its turn has come. */
function tellPlace(ctx: AppContext, stream: ProgressStream, server: Server): void {
  let told: number | null = null;
  stream.onBreath(async () => {
    const place = await placeInQueue(ctx, server.id);
    if (place === null || place === told) return;
    told = place;
    stream.tell({ progress: 0, message: `Place in the queue: ${place}`, place });
  });
}

type EventJson = Record<string, unknown> & { progress: number; message: string };

function presentEvent(ctx: AppContext, server: Server, event: ServerEvent): EventJson {
  if (event.kind === 'ready') return readyEvent(ctx, server);
  if (event.kind === 'failed' || event.kind === 'cancelled') return failedEvent(event.message);
  return { progress: event.percent, message: event.message };
}

function readyEvent(ctx: AppContext, server: Server): EventJson {
  const url = ctx.urls.serverUrl(server.userName, server.name);
  return {
    progress: 100,
    ready: true,
    message: `Server ready at ${url}`,
    html_message: `Server ready at <a href="${escapeText(url)}">${escapeText(url)}</a>`,
    url,
  };
}

function failedEvent(message: string): EventJson {
  return { progress: 100, failed: true, message, html_message: escapeText(message) };
}

/** The story of one start. */
class ProgressStream extends EventStream {
  #act: () => Promise<void> = async () => {};

  /** What else is said when there is something to say: now and with every sign of life. */
  onBreath(act: () => Promise<void>): void {
    this.#act = act;
    void this.#say();
  }

  breatheAndSay(): void {
    this.breathe();
    void this.#say();
  }

  async #say(): Promise<void> {
    // What was not said now is said at the next breath.
    if (!this.closed) await this.#act().catch(() => {});
  }

  tell(json: EventJson): void {
    this.send(undefined, json);
  }

  finish(json: EventJson): void {
    this.tell(json);
    this.end();
  }
}
