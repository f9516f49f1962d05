import { HubError } from '@atrium/sdk';
import { z } from 'zod';
import { certificatesOf } from '../metrics/proxies.ts';
import { routeVersion } from '../routes/routes.service.ts';
import { findServer, listActiveServers, serverLog } from '../servers/servers.service.ts';
import { stopEverything } from '../servers/stop-everything.service.ts';
import { countAdmins, listUsers } from '../users/users.service.ts';
import { userNamed } from './users.verbs.ts';
import { defineVerb } from './verb.ts';

const status = defineVerb(z.strictObject({}), async (ctx) => {
  const servers = await listActiveServers(ctx.db);
  const phases = { queued: 0, starting: 0, ready: 0, stopping: 0 };
  for (const { phase } of servers) if (phase !== 'stopped') phases[phase] += 1;
  const { total } = await listUsers(ctx.db, { limit: 0 });
  return {
    users: total,
    admins: await countAdmins(ctx.db),
    servers: phases,
    database: ctx.dialect,
    authenticator: ctx.authenticator.id,
    spawner: { id: ctx.spawner.id, isolation: ctx.spawner.caps.isolation, limits: ctx.spawner.caps.limits },
    onlyFirstAdmin: ctx.onlyFirstAdmin,
    certificates: certificatesOf(ctx.vitals.figures()),
    warnings: ctx.spawner.caps.warnings,
    warm: (await ctx.spawner.warm?.()) ?? null,
  };
});

/** Every proxy of this hub that has told its figures lately, and how far it is with the routes. */
const proxies = defineVerb(z.strictObject({}), async (ctx) => {
  const newest = await routeVersion(ctx.db);
  return {
    routeVersion: newest,
    following: ctx.vitals.proxies,
    proxies: ctx.vitals.figures().map(({ figures, at, requestsPerSecond }) => {
      const applied = figures.proxy === undefined ? undefined : ctx.appliedRoutes.versionOf(figures.proxy);
      const version = applied ?? figures.routeVersion;
      return {
        ...figures,
        routeVersion: version,
        // What it said was true when it said it; who follows the routes of this hub hears it now.
        ...(applied !== undefined && { hubSilentMs: 0 }),
        behind: version === null ? null : Math.max(0, newest - version),
        toldAt: at,
        requestsPerSecond: requestsPerSecond ?? null,
      };
    }),
  };
});

/** What the command has to know of the configuration before it asks for more. */
const settings = defineVerb(z.strictObject({}), async (ctx) => ({ onUserDelete: ctx.config.onUserDelete }));

/** Stops everybody's servers and waits; says which ones did not stop in time. */
const stopAll = defineVerb(z.strictObject({ timeoutMs: z.int().positive() }), async (ctx, { timeoutMs }) => {
  const { stopped, left } = await stopEverything(ctx, { by: 'command line', timeoutMs });
  return { stopped, left: left.map((server) => `${server.userName}/${server.name}`) };
});

const LogRequest = z.strictObject({ name: z.string(), server: z.string(), lines: z.int().positive() });

const logs = defineVerb(LogRequest, async (ctx, { name, server: serverName, lines }) => {
  const user = await userNamed(ctx, name);
  const server = await findServer(ctx.db, user.id, serverName);
  if (!server) {
    throw new HubError('not_found', `${user.name} has no server ${serverName ? `"${serverName}"` : 'yet'}.`);
  }
  return { lines: await serverLog(ctx, server, lines), phase: server.phase, failure: server.failure };
});

export const serverVerbs = { status, proxies, settings, 'servers-stop': stopAll, logs };
