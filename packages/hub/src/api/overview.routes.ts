import { HubError, permits } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { findGroup, type Group, listGroups } from '../groups/groups.service.ts';
import { readOverview } from '../overview/overview.service.ts';
import { listServices } from '../services/services.service.ts';
import { segment } from '../urls.ts';
import { GroupDetailModel, GroupsModel, OverviewModel, ServicesModel } from './atrium-models.ts';
import { requesterIn } from './requester-in.ts';
import { isoTime, isoTimeOrNull } from './times.ts';

const GroupParams = z.object({ group: z.string() });

/** The hub at a glance, its groups and its services, as administrators see them. */
export const overviewRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.get('/atrium/overview', {
    config: { scopes: ['read:hub'] },
    schema: {
      summary: 'Who is on, is anything broken, is a limit near, what changed today',
      response: { 200: OverviewModel },
    },
    async handler() {
      const seen = await readOverview(ctx);
      const { people, phases, starts, usage } = seen;
      const { config, spawner, authenticator } = ctx;
      const { limits } = config;
      return {
        time: isoTime(seen.now),
        people: {
          total: people.total,
          waiting: people.waiting,
          active_now: people.activeNow,
          active_today: people.activeToday,
        },
        servers: phases,
        today: { since: isoTime(seen.today), starts: starts.ready, failed: starts.failed, people_added: people.added },
        limits: {
          active: phases.starting + phases.ready + phases.stopping,
          active_limit: config.start.activeLimit || null,
          concurrency: config.start.concurrency,
          oldest_queued: isoTimeOrNull(seen.oldestQueued),
        },
        usage: usage && { memory: usage.memory, memory_limit: usage.memoryLimit },
        problems: seen.problems.map(({ kind, text, since, link }) => ({
          kind,
          text,
          since: isoTimeOrNull(since),
          link_to: link,
        })),
        features: {
          accounts: authenticator.accounts !== undefined,
          server_log: spawner.logs !== undefined,
          server_usage: spawner.usage !== undefined,
          named_servers: typeof config.namedServers.limit === 'number' ? config.namedServers.limit : null,
          home_deleted_with_person: config.onUserDelete === 'delete-home',
          idle_stop_after: config.idle.stopAfter,
          money: spawner.price !== undefined || Object.keys(limits.default).length > 0,
        },
      };
    },
  });

  const about = ({ name, properties, members }: Group) => ({
    name,
    properties,
    members: members.length,
    roles: [...ctx.roles.ofGroup(name)],
    configured: Object.hasOwn(ctx.config.groups, name),
  });

  app.get('/atrium/groups', {
    config: { scopes: ['list:groups'], filtered: true },
    schema: { summary: 'Groups, with how many are in each', response: { 200: GroupsModel } },
    async handler(request) {
      const { scopes } = requesterIn(request);
      const may = ({ name }: Group) =>
        ['list:groups', 'read:groups'].every((scope) => permits(scopes, scope, { group: name }) === 'yes');
      return { items: (await listGroups(ctx)).filter(may).map(about) };
    },
  });

  app.get('/atrium/groups/:group', {
    config: { scopes: ['read:groups'] },
    schema: {
      summary: 'A group, and why each of its members is in it',
      params: GroupParams,
      response: { 200: GroupDetailModel },
    },
    async handler({ params }) {
      const group = await findGroup(ctx, params.group);
      if (!group) throw new HubError('not_found', `No such group: ${params.group}`);
      return { ...about(group), members: group.members };
    },
  });

  app.get('/atrium/services', {
    config: { scopes: ['list:services'], filtered: true },
    schema: { summary: 'Services, and what is wrong with them', response: { 200: ServicesModel } },
    async handler(request) {
      const { scopes } = requesterIn(request);
      const may = (name: string) =>
        ['list:services', 'read:services'].every((scope) => permits(scopes, scope, { service: name }) === 'yes');
      const services = (await listServices(ctx.db)).filter(({ name }) => may(name));
      return {
        items: services.map((each) => ({
          name: each.name,
          admin: each.admin,
          url: each.url,
          prefix: each.url === null ? null : `${ctx.urls.base}services/${segment(each.name)}/`,
          managed: each.command.length > 0,
          pid: each.pid,
          problem: each.problem,
          from_config: each.fromConfig,
          display: each.display,
          info: each.info,
          oauth_client_id: each.oauthClientId,
        })),
      };
    },
  });
};
