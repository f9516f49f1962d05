import type { z } from 'zod';
import type { AppContext } from '../context.ts';
import type { LiveServer, Used } from '../servers/live/live.service.ts';
import type { LiveServerModel } from './atrium-models.ts';
import { isoTime, isoTimeOrNull } from './times.ts';

type LiveServerJson = z.output<typeof LiveServerModel>;

export function presentUsage(
  used: Used | null,
): { memory: number; memory_limit: number | null; cpu: number | null } | null {
  return used && { memory: used.memory, memory_limit: used.memoryLimit, cpu: used.cpu };
}

/** A server as an administrator sees it. Nothing in it is the person's own: no options, no output. */
export function presentLive(ctx: AppContext, { server, queuePlace, used }: LiveServer): LiveServerJson {
  const { failure, stopReason, userOptions } = server;
  return {
    key: `${server.userName}/${server.name}`,
    user: server.userName,
    name: server.name,
    display_name: server.displayName,
    phase: server.phase,
    wanted: server.desired,
    queue_place: queuePlace,
    since: isoTime(server.phaseAt),
    requested: isoTimeOrNull(server.queuedAt),
    started: isoTimeOrNull(server.startedAt),
    last_activity: isoTimeOrNull(server.lastActivity),
    url: ctx.urls.serverUrl(server.userName, server.name),
    progress_url: ctx.urls.progress(server.userName, server.name),
    kind: typeof userOptions.profile === 'string' ? userOptions.profile : null,
    failure: failure && {
      code: failure.code,
      message: failure.message,
      advice: failure.advice ?? null,
      at: isoTime(failure.at),
    },
    stopped: stopReason && {
      code: stopReason.code,
      by: stopReason.by ?? null,
      note: stopReason.note ?? null,
      message: stopReason.message ?? null,
      at: isoTime(stopReason.at),
    },
    failures_in_a_row: server.failures,
    usage: used && { memory: used.memory, memory_limit: used.memoryLimit, cpu: used.cpu, at: isoTime(used.at) },
  };
}
