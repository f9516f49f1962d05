import { HubError } from '@atrium/sdk';
import type { AppContext } from '../../context.ts';
import { judge, reasonOf } from '../../login/allow.ts';
import { prepareLimits } from '../../money/start-check.service.ts';
import { checkChoice } from '../../servers/choice.service.ts';
import { isActive, isReady, pendingOf, requestStart, requestStop } from '../../servers/servers.service.ts';
import { actorName } from '../../users/principal.ts';
import { type BulkAction, nothing, refused, type Target, type Verdict, will } from './types.ts';

export const start: BulkAction = {
  about: 'servers',
  scope: 'start:servers',
  async plan(ctx, target) {
    const { user, server, serverName = '' } = target;
    if (!server && serverName !== '') return refused('not_found', 'There is no such server.');
    if (server && isReady(server)) return nothing('It runs already.');
    if (server && pendingOf(server) === 'spawn') return nothing('It is starting already.');
    const access = judge(ctx, user.name, user);
    if (!access.allowed) return refused('not_allowed', reasonOf(access));
    return (
      (await obstacle(ctx, target)) ??
      will(server && isActive(server) ? 'It starts when it has stopped.' : 'It starts.')
    );
  },
  async run(ctx, { user, serverName = '' }, { by }) {
    await requestStart(ctx, user, serverName, { by: actorName(by), behindStop: true });
    return 'It was asked to start.';
  },
};

/** What a start would be refused for now: the choice of last time, or a limit. */
async function obstacle(ctx: AppContext, { user, server, serverName = '' }: Target): Promise<Verdict | undefined> {
  try {
    const options = await checkChoice(ctx, user, undefined, server?.userOptions);
    const limits = await prepareLimits(ctx, user, serverName, options);
    await limits.check(ctx.db, server?.id ?? '');
    return undefined;
  } catch (err) {
    if (err instanceof HubError && err.status < 500) return refused(err.code, err.message);
    throw err;
  }
}

export const stop: BulkAction = {
  about: 'servers',
  scope: 'delete:servers',
  plan(_, { server, serverName = '' }) {
    if (!server && serverName !== '') return refused('not_found', 'There is no such server.');
    if (!server || !isActive(server)) return nothing('It does not run.');
    if (server.desired === 'stopped') return nothing('It is stopping already.');
    return will(isReady(server) ? 'It stops. What is not saved is lost.' : 'Its start is cancelled.');
  },
  async run(ctx, { user, server }, { by, note }) {
    if (!server) return 'It does not run.';
    const name = actorName(by);
    await requestStop(ctx, server, { code: name === user.name ? 'user' : 'admin', by: name, note });
    return 'It was asked to stop.';
  },
};
