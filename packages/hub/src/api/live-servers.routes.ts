import { Readable } from 'node:stream';
import { permits, type ScopeSet, scopeList } from '@atrium/sdk';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { csvHeaders } from '../audit/audit-csv.ts';
import type { AppContext } from '../context.ts';
import { csvLine } from '../csv.ts';
import { scopesNow } from '../http/requester.ts';
import { LiveFeed, type TableRow } from '../servers/live/feed.ts';
import { type LiveFilter, searchLive } from '../servers/live/live.service.ts';
import { LiveServersModel } from './atrium-models.ts';
import { EventStream } from './event-stream.ts';
import { presentLive, presentUsage } from './present-live.ts';
import { requesterIn } from './requester-in.ts';
import { isoTimeOrNull } from './times.ts';

const KEEP_ALIVE_MS = 8_000;
/** Rows in one event: a table of thousands comes in pieces. */
const PIECE = 500;

const Filter = z.object({
  state: z
    .enum(['live', 'ready', 'starting', 'queued', 'problem', 'all'])
    .default('live')
    .describe('`live`: all that are not stopped, and those in trouble since yesterday, which are also `problem`.'),
  q: z.string().max(255).optional().describe("Part of the owner's name."),
});
const Query = Filter.extend({
  offset: z.coerce.number().int().min(0).max(1e9).default(0),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

/** Whose servers these scopes show; undefined for everybody's. */
function onlyOf(scopes: ScopeSet): LiveFilter['only'] {
  const reach = scopes.get('read:servers');
  if (reach === 'all') return undefined;
  const list = (values: ReadonlySet<string> | undefined) => [...(values ?? [])];
  return { users: list(reach?.user), groups: list(reach?.group), servers: list(reach?.server) };
}

/** Everybody's servers at a glance: as a list, as a file, and as a stream of what changes. */
export const liveServerRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  const config = { scopes: ['read:servers'], filtered: true } as const;
  const feed = new LiveFeed(ctx);
  const streams = new Map<EventStream, FastifyRequest>();
  const closing = new AbortController();
  app.addHook('preClose', async () => {
    closing.abort();
    feed.close();
    for (const stream of streams.keys()) stream.end();
  });
  const shownBy = new WeakMap<EventStream, ScopeSet>();
  const fits = (stream: EventStream) => {
    const scopes = shownBy.get(stream) ?? new Map();
    return ({ server, groups }: TableRow) =>
      permits(scopes, 'read:servers', { user: server.userName, server: server.name }, () => groups) === 'yes';
  };

  const breathe = async () => {
    while (!closing.signal.aborted) {
      await ctx.clock.sleep(KEEP_ALIVE_MS, closing.signal).catch(() => {});
      for (const [stream, request] of streams) {
        stream.breathe();
        await check(stream, request);
      }
    }
  };
  /** Who is signed out, or may see other servers by now, has to come again. */
  async function check(stream: EventStream, request: FastifyRequest): Promise<void> {
    try {
      const now = await scopesNow(ctx, request);
      const before = shownBy.get(stream);
      if (!now || !before || scopeList(now).join(' ') !== scopeList(before).join(' ')) stream.end();
    } catch (err) {
      ctx.log.warn({ err }, 'could not check whose stream this is; trying again');
    }
  }
  void breathe();

  app.get('/atrium/servers/stream', {
    config,
    schema: {
      summary: 'Follow all servers (server-sent events)',
      description:
        'Event `rows`: `{rows, more, first}`, the whole table in pieces, then what changes; `gone`: `{keys}`; ' +
        '`usage`: `{usage, activity}` by key, while somebody follows.',
      answers: { 200: { type: 'text/event-stream', description: 'Events, until the reader goes' } },
    },
    async handler(request, reply) {
      const stream = new EventStream(reply);
      shownBy.set(stream, requesterIn(request).scopes);
      streams.set(stream, request);
      stream.onClose(() => streams.delete(stream));
      const mine = fits(stream);
      let first = true;
      const following = feed.follow({
        rows(all) {
          const rows = all.filter(mine).map((row) => presentLive(ctx, row));
          for (let at = 0; first || at < rows.length; at += PIECE) {
            stream.send('rows', { rows: rows.slice(at, at + PIECE), more: at + PIECE < rows.length, first });
            first = false;
          }
        },
        gone(all) {
          const keys = all.filter(mine).map(({ server }) => `${server.userName}/${server.name}`);
          if (keys.length > 0) stream.send('gone', { keys });
        },
        pulse(all) {
          const seen = all.filter(({ row }) => mine(row));
          const by = <T>(pick: (one: (typeof all)[number]) => T) =>
            Object.fromEntries(seen.map((one) => [`${one.row.server.userName}/${one.row.server.name}`, pick(one)]));
          stream.send('usage', {
            usage: by(({ used }) => presentUsage(used)),
            activity: by(({ lastActivity }) => isoTimeOrNull(lastActivity)),
          });
        },
      });
      try {
        stream.onClose(await following);
      } catch (err) {
        // The answer has begun: all that is left is to end it, and whoever follows comes again.
        ctx.log.warn({ err }, 'servers not read for somebody who follows them');
        stream.end();
      }
      return reply;
    },
  });

  app.get('/atrium/servers', {
    config,
    schema: {
      summary: 'List servers as the live table shows them',
      querystring: Query,
      response: { 200: LiveServersModel },
    },
    async handler(request) {
      const { offset, limit, ...filter } = request.query;
      const only = onlyOf(requesterIn(request).scopes);
      const { servers, total } = await searchLive(ctx, { ...filter, only, offset, limit });
      return { items: servers.map((each) => presentLive(ctx, each)), total, offset, limit };
    },
  });

  const COLUMNS = ['user', 'name', 'phase', 'since', 'started', 'last_activity', 'kind', 'memory', 'cpu', 'problem'];

  app.get('/atrium/servers.csv', {
    config,
    schema: {
      summary: 'The same, all that fits, as text/csv',
      querystring: Filter,
      answers: { 200: { type: 'text/csv', description: 'A table with a line of headings' } },
    },
    async handler(request, reply) {
      const only = onlyOf(requesterIn(request).scopes);
      const { query } = request;
      const lines = async function* () {
        yield csvLine(COLUMNS);
        for (let offset = 0; ; offset += PIECE) {
          const { servers } = await searchLive(ctx, { ...query, only, offset, limit: PIECE });
          for (const each of servers) {
            const row = presentLive(ctx, each);
            const { user, name, phase, since, started, last_activity: active, kind, usage, failure, stopped } = row;
            const problem = failure?.message ?? stopped?.message ?? null;
            const used = [usage?.memory ?? null, usage?.cpu ?? null];
            yield csvLine([user, name, phase, since, started, active, kind, ...used, problem]);
          }
          if (servers.length < PIECE) return;
        }
      };
      return reply.headers(csvHeaders('servers')).type('text/csv; charset=utf-8').send(Readable.from(lines()));
    },
  });
};
