import { HubError } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import type { User } from '../users/users.service.ts';
import type { Server } from './server.ts';
import { countServers } from './servers.repo.ts';

/** A function of the configuration that takes longer has failed, ms: a person waits for it. */
const LIMIT_MS = 10_000;

/** How many named servers somebody may have. @throws HubError `misconfigured` when the function of the configuration fails. */
export async function namedServerLimit(ctx: AppContext, { name, admin, groups }: User): Promise<number> {
  const { limit } = ctx.config.namedServers;
  if (typeof limit === 'number') return limit;
  const over = new AbortController();
  const late = ctx.clock.sleep(LIMIT_MS, over.signal).then(
    () => Promise.reject(new Error(`It said nothing for ${LIMIT_MS / 1000} s`)),
    () => 0,
  );
  try {
    const said = await Promise.race([limit({ name, admin, groups }), late]);
    if (Number.isInteger(said) && said >= 0) return said;
    throw new Error(`It says ${said}`);
  } catch (cause) {
    throw new HubError('misconfigured', 'How many servers you may have cannot be said right now.', { cause });
  } finally {
    over.abort();
  }
}

/**
 * What `checkNamedLimit` is to hold a new server against. Asked before the transaction, in which everybody would wait for
 * the function. Who had that server a moment ago has no more by having it again.
 */
export async function mostNamed(
  ctx: AppContext,
  user: User,
  name: string,
  earlier: Server | undefined,
): Promise<number> {
  return name === '' || earlier ? Number.POSITIVE_INFINITY : namedServerLimit(ctx, user);
}

export const namedServersOff = () => new HubError('bad_request', 'Named servers are not enabled.');

export async function checkNamedLimit(db: AppContext['db'], user: User, most: number): Promise<void> {
  if (most === 0) throw namedServersOff();
  if ((await countServers(db, { named: user.id })) >= most) {
    throw new HubError(
      'limit_reached',
      `User ${user.name} already has the maximum of ${most} named servers.  One must be deleted before a new server can be created`,
    );
  }
}
