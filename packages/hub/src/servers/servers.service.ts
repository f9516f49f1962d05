import { randomInt } from 'node:crypto';
import { bytesOf, FormFile, HubError, type Options } from '@atrium/sdk';
import { type AuditEntry, audit } from '../audit/audit.service.ts';
import type { AppContext } from '../context.ts';
import { fromJson } from '../db/json.ts';
import { currentOrigin } from '../http/origin.ts';
import { randomId } from '../keys.ts';
import { spawnRefused } from '../metrics/starts.ts';
import { prepareLimits } from '../money/start-check.service.ts';
import type { User } from '../users/users.service.ts';
import { checkChoice } from './choice.service.ts';
import { readLog } from './controller/log-tail.ts';
import { deleteEventsBefore, insertEvents } from './events.repo.ts';
import { checkNamedLimit, mostNamed, namedServerLimit } from './named-limit.ts';
import { countBusy } from './queue.repo.ts';
import {
  isActive,
  logName,
  pendingOf,
  type Server,
  type StopReason,
  validDisplayName,
  validServerName,
} from './server.ts';
import * as repo from './servers.repo.ts';

export { readEvents, type ServerEvent } from './events.repo.ts';
export { namedServerLimit, namedServersOff } from './named-limit.ts';
export * from './server.ts';
export {
  countServers,
  findServer,
  findServerById,
  listActiveServers,
  listServers,
  rebuildServer,
  specOf,
  touchServer,
} from './servers.repo.ts';

export interface StartRequest {
  userOptions?: Options | undefined;
  displayName?: string | undefined;
  /** Who asks, for the log. */
  by: string;
  /** Pages queue a start behind a stop that is under way; the API refuses it (contract §3.7). */
  behindStop?: boolean;
  /** The server as whoever asks has just read it, to spare another look; null when there was none. */
  seen?: Server | null;
}

/**
 * Records that a server shall run; the controller does the rest. A start under way is returned as it is.
 * @throws HubError `already_running`, `server_pending`, `limit_reached`, `invalid_name`; `unprocessable` and `not_allowed`
 * for options that cannot be.
 */
export async function requestStart(ctx: AppContext, user: User, name: string, request: StartRequest): Promise<Server> {
  const now = ctx.clock.now();
  const requestId = currentOrigin().requestId ?? null;
  let earlier = request.seen ?? undefined;
  // One that was running may have stopped since, and its options are then checked like any other's.
  if (request.seen === undefined || !begins(earlier)) earlier = await repo.findServer(ctx.db, user.id, name);
  const userOptions = begins(earlier)
    ? await checkChoice(ctx, user, request.userOptions, earlier?.userOptions)
    : request.userOptions;
  const limits = await prepareLimits(ctx, user, name, userOptions);
  const most = await mostNamed(ctx, user, name, earlier);
  const changeFor = async (db: AppContext['db'], { id }: Server) => {
    const { displayName } = request;
    checkDisplayName(displayName);
    checkOptions(userOptions);
    await repo.updateServer(db, id, {
      ...(displayName !== undefined && { displayName }),
      ...(userOptions !== undefined && { userOptions }),
    });
  };
  // A start that was under way already is nobody's second act.
  const record = (db: AppContext['db']) =>
    audit({ ...ctx, db }, { action: 'server.start', ...aboutServer(user.name, name), detail: { by: request.by } });
  const ask = async (db: AppContext['db']): Promise<Server> => {
    await limits.takeTurn(db);
    const known = await repo.findServer(db, user.id, name);
    const before = known ?? (await createIn(ctx, db, user, name, { ...request, userOptions }, most));
    if (before.phase === 'ready' && before.desired === 'running') {
      throw new HubError('already_running', `${logName(user.name, name)} is already running`);
    }
    if (before.phase !== 'stopped') {
      if (before.phase !== 'stopping' && before.desired === 'running') return before;
      if (!request.behindStop) throw new HubError('server_pending', `${user.name}:${name} is pending stop`);
      await limits.check(db, before.id);
      await changeFor(db, before);
      // It has stopped since it was read: then this is a start like any other.
      if (!(await repo.wantRunning(db, before.id, now, requestId))) return ask(db);
      await record(db);
      return { ...before, desired: 'running' as const };
    }
    await checkRoom(ctx, db);
    await limits.check(db, before.id);
    if (known) await changeFor(db, known);
    // Somebody else's start was faster: theirs is as good.
    if (!(await repo.queueStart(db, before.id, now, requestId))) return ask(db);
    const generation = before.generation + 1;
    if (before.generation > 0) await deleteEventsBefore(db, before.id, generation);
    const at = { serverId: before.id, generation, at: now };
    await insertEvents(db, [{ ...at, percent: 0, message: 'Server requested', kind: 'progress' }]);
    await record(db);
    const fresh = { tokenNumber: 0, failure: null, stopReason: null, address: null, startedAt: null };
    return {
      ...before,
      ...fresh,
      desired: 'running' as const,
      phase: 'queued' as const,
      generation,
      queuedAt: now,
      phaseAt: now,
    };
  };
  const server = await ctx.db
    .transaction()
    .execute(ask)
    .catch((err) => {
      spawnRefused(ctx.metrics, err);
      throw err;
    });
  ctx.log.info({ server: server.id, user: user.name, name, by: request.by }, 'start requested');
  ctx.wakeups.notify('servers', server.id);
  return server;
}

/** Whether asking for it means a new start. */
const begins = (server: Server | undefined) => !server || !isActive(server) || pendingOf(server) === 'stop';

export interface StopRequest {
  code: StopReason['code'];
  by?: string;
  note?: string | undefined;
}

/** Records that a server shall not run, whatever its phase; a start is cancelled. Idempotent. */
export async function requestStop(ctx: AppContext, server: Server, request: StopRequest): Promise<Server> {
  const now = ctx.clock.now();
  const { code, by, note } = request;
  const reason: StopReason = { code, at: now, ...(by !== undefined && { by }), ...(note && { note }) };
  await ctx.db.transaction().execute(async (db) => {
    const generation = await repo.wantStopped(db, server.id, reason, currentOrigin().requestId ?? null);
    if (generation === undefined) return;
    const at = { serverId: server.id, generation, at: now };
    await insertEvents(db, [{ ...at, percent: 100, message: 'Spawn cancelled', kind: 'cancelled' }]);
  });
  if (server.desired === 'running') {
    const detail = { reason: code, ...(by !== undefined && { by }), ...(note && { note }) };
    await audit(ctx, { action: 'server.stop', ...aboutServer(server.userName, server.name), detail });
  }
  ctx.log.info({ server: server.id, user: server.userName, name: server.name, ...request }, 'stop requested');
  ctx.wakeups.notify('servers', server.id);
  ctx.wakeups.notify('progress', server.id);
  return (await repo.findServerById(ctx.db, server.id)) ?? server;
}

/** A named server's record, not started. @throws HubError `name_taken`, `invalid_name`, `limit_reached`. */
export async function createServer(
  ctx: AppContext,
  user: User,
  name: string,
  wanted: { displayName?: string | undefined; userOptions?: Options | undefined },
): Promise<Server> {
  const userOptions = wanted.userOptions && (await checkChoice(ctx, user, wanted.userOptions));
  const most = await mostNamed(ctx, user, name, undefined);
  return ctx.db.transaction().execute(async (db) => {
    if (await repo.findServer(db, user.id, name)) {
      throw new HubError('name_taken', `Server ${logName(user.name, name)} already exists`);
    }
    const server = await createIn(ctx, db, user, name, { ...wanted, userOptions }, most);
    await audit({ ...ctx, db }, { action: 'server.create', ...aboutServer(user.name, name) });
    return server;
  });
}

/** The default server, which everybody has; its record is made when it is first needed. */
export async function serverRecord(ctx: AppContext, user: User): Promise<Server> {
  const known = await repo.findServer(ctx.db, user.id, '');
  return known ?? ctx.db.transaction().execute((db) => createIn(ctx, db, user, '', {}, 0));
}

async function createIn(
  ctx: AppContext,
  db: AppContext['db'],
  user: User,
  name: string,
  wanted: { displayName?: string | undefined; userOptions?: Options | undefined },
  most: number,
): Promise<Server> {
  if (name !== '') {
    if (!validServerName(name)) throw new HubError('invalid_name', `Invalid server_name: '${name}'`);
    await checkNamedLimit(db, user, most);
  }
  checkDisplayName(wanted.displayName);
  checkOptions(wanted.userOptions);
  await repo.insertServer(db, {
    id: randomId(),
    userId: user.id,
    name,
    displayName: wanted.displayName ?? name,
    userOptions: wanted.userOptions ?? {},
    spawnerId: ctx.spawner.id,
    now: ctx.clock.now(),
  });
  const server = await repo.findServer(db, user.id, name);
  if (!server) throw new Error(`server ${logName(user.name, name)} vanished while it was made`);
  return server;
}

/** Changes a stopped server; its idle setting can change at any time. */
export async function patchServer(
  ctx: AppContext,
  user: User,
  server: Server,
  change: repo.ServerChange,
): Promise<Server> {
  if (change.userOptions) {
    change = { ...change, userOptions: (await checkChoice(ctx, user, change.userOptions)) ?? change.userOptions };
  }
  const { stopAfter, ...rest } = change;
  const most = server.name === '' && rest.name ? await namedServerLimit(ctx, user) : 0;
  return ctx.db.transaction().execute(async (db) => {
    if (Object.keys(rest).length > 0 && isActive(server)) {
      throw new HubError('bad_request', `Stop ${logName(user.name, server.name)} before changing it`);
    }
    if (rest.name !== undefined && rest.name !== server.name) {
      if (!validServerName(rest.name)) throw new HubError('invalid_name', `Invalid server_name: '${rest.name}'`);
      if (server.name === '') await checkNamedLimit(db, user, most);
      if (await repo.findServer(db, user.id, rest.name)) {
        throw new HubError('name_taken', `Server ${logName(user.name, rest.name)} already exists`);
      }
    }
    checkDisplayName(rest.displayName);
    checkOptions(rest.userOptions);
    await repo.updateServer(db, server.id, change);
    // Which settings, not what they are now: an option may be anything a person typed.
    const detail = { changed: Object.keys(change), ...(change.name !== undefined && { name: change.name }) };
    await audit({ ...ctx, db }, { action: 'server.change', ...aboutServer(user.name, server.name), detail });
    return (await repo.findServerById(db, server.id)) ?? server;
  });
}

/** Its owner is told from now on that it is about to stop; void once there is newer work. */
export async function setWarned(ctx: AppContext, server: Server, at: number): Promise<void> {
  await repo.updateServer(ctx.db, server.id, { warnedAt: at });
}

/** It is not stopped for idleness before this time; null takes that back. */
export async function setKeepOn(ctx: AppContext, server: Server, until: number | null): Promise<void> {
  await repo.updateServer(ctx.db, server.id, { keepOnUntil: until });
}

/** When it stops because a limit is used up; null takes that back. */
export async function setLimitStop(ctx: AppContext, server: Server, at: number | null): Promise<void> {
  await repo.updateServer(ctx.db, server.id, { limitStopAt: at });
}

/** Removes a stopped server's record; its files stay in the home folder. */
export async function removeServer(ctx: AppContext, server: Server): Promise<void> {
  if (!(await repo.deleteServerRow(ctx.db, server.id))) {
    throw new HubError('server_pending', `${logName(server.userName, server.name)} is still active`);
  }
  await audit(ctx, { action: 'server.delete', ...aboutServer(server.userName, server.name) });
}

function aboutServer(owner: string, name: string): Pick<AuditEntry, 'of'> {
  return { of: { kind: 'server', name: logName(owner, name), owner } };
}

/** Stops everything of a person, at their own wish; waits for nothing. */
export async function stopServersOf(ctx: AppContext, user: User): Promise<void> {
  const servers = (await repo.listServers(ctx.db, [user.id])).get(user.id) ?? [];
  for (const server of servers.filter(isActive)) await requestStop(ctx, server, { code: 'user', by: user.name });
}

/** A stop that somebody waits for already is not waited for twice (contract §3.5). @throws HubError `server_pending` */
export async function refuseWhileStopping(ctx: AppContext, user: User): Promise<void> {
  const servers = (await repo.listServers(ctx.db, [user.id])).get(user.id) ?? [];
  const stopping = servers.find((server) => pendingOf(server) === 'stop');
  if (!stopping) return;
  throw new HubError('server_pending', `${logName(user.name, stopping.name)} is stopping; try again in a moment`);
}

/** Stops everything of a person and waits until it is gone. @throws HubError when one does not stop in time. */
export async function stopForDeletion(ctx: AppContext, user: User, by: string): Promise<void> {
  const servers = (await repo.listServers(ctx.db, [user.id])).get(user.id) ?? [];
  await Promise.all(
    servers.filter(isActive).map(async (server) => {
      await requestStop(ctx, server, { code: 'deleted', by });
      const after = await waitForServer(
        ctx,
        server.id,
        (now) => now.phase === 'stopped',
        ctx.config.start.stopTimeout * 3000,
      );
      if (after.phase !== 'stopped') {
        throw new HubError(
          'server_pending',
          `${logName(user.name, server.name)} is still stopping; try again in a moment`,
        );
      }
    }),
  );
}

/** Waits for a row to become what is asked; answers the row as it is at the timeout (ms) otherwise. */
export async function waitForServer(
  ctx: AppContext,
  serverId: string,
  until: (server: Server) => boolean,
  timeoutMs: number,
): Promise<Server> {
  const deadline = AbortSignal.timeout(timeoutMs);
  let changed = false;
  let wake = () => {};
  const stopListening = ctx.wakeups.on('progress', (id) => {
    if (id !== serverId) return;
    changed = true;
    wake();
  });
  try {
    for (;;) {
      changed = false;
      const server = await repo.findServerById(ctx.db, serverId);
      if (!server) throw new HubError('not_found', 'No access to resources or resources not found');
      if (until(server) || deadline.aborted) return server;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (changed) resolve();
        // The wake-up is only a hint (architecture §3): look again now and then.
        void ctx.clock.sleep(1_000, deadline).then(resolve, () => resolve());
      });
    }
  } finally {
    stopListening();
  }
}

/** The newest lines of a server's output, oldest first; of its last start when it does not run. */
export async function serverLog(ctx: AppContext, server: Server, lines: number): Promise<readonly string[]> {
  const ref = await repo.findRef(ctx.db, server.id);
  return ref === null ? (server.failure?.log ?? []) : readLog(ctx, fromJson(ref), lines);
}

function checkDisplayName(name: string | undefined): void {
  if (name !== undefined && name !== '' && !validDisplayName(name)) {
    throw new HubError('invalid_name', `Invalid display_name: ${name}`);
  }
}

/** Characters as JSON: they are read with the row, everywhere. */
const MOST_OPTIONS = 65_536;
/** Of all files in them together, bytes: they are for settings and lists, a home folder is for data. */
const MOST_FILES = 512 * 1024;

function checkOptions(options: Options | undefined): void {
  if (options === undefined) return;
  let files = 0;
  // Counted apart, as they were before they became text.
  const text = JSON.stringify(options, (_key, value: unknown) => {
    const file = FormFile.safeParse(value);
    if (!file.success) return value;
    files += bytesOf(file.data).length;
    return file.data.filename;
  });
  if (text.length > MOST_OPTIONS) throw new HubError('bad_request', 'The options for a server are too long.');
  if (files > MOST_FILES) {
    const kilobytes = Math.ceil(files / 1024);
    throw new HubError(
      'too_large',
      `The files are too large: ${kilobytes} KB. All files of one form may have ${MOST_FILES / 1024} KB.`,
    );
  }
}

/** Seconds; apart from each other, so that those who were refused together do not come back together (contract §10.2). */
const RETRY_AFTER = { least: 30, most: 60 };

/** Whether a start has to be refused now. Nobody's is where starts queue, which is the default: admission waits for room. */
async function checkRoom(ctx: AppContext, db: AppContext['db']): Promise<void> {
  const { activeLimit, concurrency, whenFull } = ctx.config.start;
  if (whenFull === 'queue') return;
  const { active, starting, queued } = await countBusy(db);
  if (starting + queued >= concurrency) {
    const retryAfter = RETRY_AFTER.least + randomInt(RETRY_AFTER.most - RETRY_AFTER.least + 1);
    throw new HubError(
      'too_many_starts',
      `Too many users trying to log in right now. Try again in ${retryAfter} seconds.`,
      { retryAfter },
    );
  }
  if (activeLimit > 0 && active + queued >= activeLimit) {
    throw new HubError('too_many_servers', 'Active user limit exceeded. Try again in a few minutes.');
  }
}
