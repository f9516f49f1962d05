import { HubError, type Secret, type WorkerIo, type WorkerServer } from '@atrium/sdk';
import type { AppContext } from '../../context.ts';
import { pluginIo } from '../../plugins/plugin-io.ts';
import { findUserById, touchUser } from '../../users/users.service.ts';
import { findWork, type Work } from '../controller/controller.repo.ts';
import { putServerCredentials } from '../controller/credentials.ts';
import { serverEnv } from '../controller/env.ts';
import { recordNotices } from '../controller/notices.ts';
import { insertEvents, readEvents } from '../events.repo.ts';
import { findServerById } from '../servers.repo.ts';
import { touchServer } from '../servers.service.ts';
import { takeTokenNumber } from './workers.repo.ts';

/** Lines of one start that its machine may add: a machine in a student's hands can say anything, for ever. */
const MOST_LINES = 300;
const MOST_CHARACTERS = 300;

/** What a machine of ours may be answered with (sdk `WorkerIo`). */
export function workerIo(ctx: AppContext, signal: AbortSignal): WorkerIo {
  return {
    ...pluginIo(ctx, signal),
    async find(serverId) {
      const work = await findWork(ctx.db, serverId);
      if (!work || work.phase === 'stopped' || work.phase === 'queued') return undefined;
      const owner = await findUserById(ctx.db, work.userId);
      return owner && workerServer(ctx, { ...work, phase: work.phase }, owner.uid);
    },
  };
}

function workerServer(ctx: AppContext, work: Work & { phase: WorkerServer['phase'] }, uid: number): WorkerServer {
  const { id, generation, userName: user, name } = work;
  /** The same start, as it is now. */
  const current = async () => {
    const now = await findServerById(ctx.db, id);
    return now?.generation === generation && now.phase !== 'stopped' ? now : undefined;
  };
  return {
    id,
    generation,
    user,
    uid,
    name,
    prefix: ctx.urls.server(user, name),
    phase: work.phase,
    spec: work.spec,
    ref: work.ref,
    attempt: work.attempt,
    env: serverEnv(ctx, { name: user }, name),
    issueToken: () => issueToken(ctx, work),
    async progress({ percent, message }) {
      const server = await current();
      if (server?.phase !== 'starting') return;
      const text = shortened(message);
      const lines = await readEvents(ctx.db, id, generation, 0);
      // Asked again because the answer was lost: the line is there.
      if (lines.length >= MOST_LINES || lines.at(-1)?.message === text) return;
      const event = {
        percent: Math.max(0, Math.min(95, Math.round(percent))),
        message: text,
        kind: 'progress' as const,
      };
      await insertEvents(ctx.db, [{ serverId: id, generation, at: ctx.clock.now(), ...event }]);
      ctx.wakeups.notify('progress', id);
    },
    async notice({ code, at, message }) {
      const server = await current();
      if (!server || (await readEvents(ctx.db, id, generation, 0)).length >= MOST_LINES) return;
      await recordNotices(ctx, server, [{ code, at: Math.round(at), message: shortened(message) }]);
    },
    async worked(at) {
      // A clock that is ahead must not keep a machine on.
      const seen = Math.min(Math.round(at), ctx.clock.now());
      if (!(await current())) return;
      await touchServer(ctx.db, id, { lastActivity: seen, lastWork: seen });
      await touchUser(ctx.db, work.userId, seen);
    },
    wake: () => ctx.wakeups.notify('starts', id),
  };
}

/** One transaction: of answers that cross, the last number's token is the one that counts, and no other. */
async function issueToken(ctx: AppContext, work: Work): Promise<Secret> {
  const { id, generation } = work;
  const token = await ctx.db.transaction().execute(async (db) => {
    const number = await takeTokenNumber(db, id, generation);
    if (number === undefined) return undefined;
    const fresh = ctx.keys.serverToken(id, generation, number);
    await putServerCredentials(ctx, db, work, fresh);
    return fresh;
  });
  if (!token) {
    throw new HubError('not_found', 'This server is not starting.', { facts: { server: id, generation } });
  }
  ctx.log.info({ server: id, generation, user: work.userName }, 'token issued to a machine; the one before is revoked');
  return token;
}

const shortened = (text: string) => (text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text);
