import type { Clock, Log } from '@atrium/sdk';
import { textOf } from './errors.ts';
import { type HubClient, Refused } from './hub/client.ts';
import { parseBeat, type Session } from './hub/protocol.ts';
import type { Machine, ServerState } from './machine/machine.ts';
import { pause } from './retry.ts';
import type { RunFiles } from './run-files.ts';
import { accountOf } from './start-server.ts';
import { taskQueue } from './tasks/tasks.ts';
import { activityWatch } from './watch/activity.ts';
import { judge } from './watch/lease.ts';
import { removeWarning, warnInHome } from './watch/warning.ts';

/** How the care for a session ended. */
export type LoopEnd =
  | { end: 'refused' } // the hub no longer knows the session: hibernated, or stopped and started meanwhile
  | { end: 'server'; code: number | null }
  | { end: 'off'; why: string }
  | { end: 'aborted' };

export interface LoopWorld {
  machine: Machine;
  hub: HubClient;
  files: RunFiles;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/** What took this much longer than it should: the machine was asleep meanwhile. */
const JUMP_MS = 90_000;
/** What a machine that woke up gets before its old lease is judged. */
const WOKE_GRACE_MS = 120_000;

/** Lease times are the hub's; only the distance to its own "now" counts here, ms. */
export const granted = ({ leaseUntil, serverNow }: { leaseUntil: number; serverNow: number }): number =>
  Math.max(0, leaseUntil - serverNow);

export interface SessionLoop {
  run(): Promise<LoopEnd>;
  /** Beats at once, with the notice. */
  spot(notice: { action: string; at: number }): Promise<void>;
}

/**
 * Keeps a running server: beats, carries out what the hub asks for, and watches lease and session (judge). `since` is
 * when the session began, ms; `fresh`: the hub has just heard that the server answers, so the first beat need not come
 * at once, with those of everybody who started at the same time.
 */
export function sessionLoop(
  world: LoopWorld,
  session: Session,
  home: string,
  { since, fresh }: { since: number; fresh: boolean },
): SessionLoop {
  const { machine, hub, files, clock, log, signal } = world;
  const account = accountOf(session);
  const look = activityWatch(machine, clock, log);
  const tasks = taskQueue();
  let leaseUntil = 0;
  const sessionUntil = since + session.maxSessionMs;
  const everyMs = session.heartbeatSeconds * 1000;
  let spotNotice: { action: string; at: number } | undefined;
  let wake = new AbortController();
  let warned = '';

  const beat = async (server: ServerState): Promise<{ refused: boolean; busy: boolean }> => {
    const activity = await look(session);
    if (activity.busy) await files.markBusy();
    const body = {
      session: session.session,
      ...activity,
      ...(await machine.usage(home)),
      server: server.state === 'exited' ? { state: 'exited', code: server.code } : { state: server.state },
      ...(spotNotice ? { spot: spotNotice } : {}),
    };
    try {
      const answer = parseBeat((await hub.once('heartbeat', body, signal)).body);
      leaseUntil = clock.now() + granted(answer);
      await files.saveLease(leaseUntil);
      tasks.take({ machine, hub, files, log, signal, account, home, session: session.session }, answer.tasks);
    } catch (error) {
      if (error instanceof Refused && [401, 403, 404, 410].includes(error.status))
        return { refused: true, busy: activity.busy };
      log.warn({ error: textOf(error), leaseUntil }, 'the hub did not take a heartbeat');
    }
    return { refused: false, busy: activity.busy };
  };

  /** Warns or takes the warning back, once per change. */
  const warn = async (verdict: ReturnType<typeof judge>) => {
    const key = verdict.go === 'warn' ? `${verdict.why} ${verdict.at}` : '';
    if (key === warned || spotNotice) return;
    await (verdict.go === 'warn' ? warnInHome(home, account.uid, verdict.why, verdict.at) : removeWarning(home)).catch(
      (error) => log.warn({ error: textOf(error) }, 'the warning could not be put into the home'),
    );
    warned = key;
  };

  /** The hub is asked before an old lease is judged, when `since` is longer ago than `ms` and the time of a hung call. */
  const graceAfterSleep = async (since: number, ms: number) => {
    if (clock.now() - since <= ms + JUMP_MS) return;
    log.info({ ms: clock.now() - since }, 'the clock jumped: the machine was asleep');
    leaseUntil = Math.max(leaseUntil, clock.now() + WOKE_GRACE_MS);
    await files.saveLease(leaseUntil);
  };

  /** Sleeps to the next beat, or to the moment something must be judged, or until woken. */
  const wait = async (least = 0.9) => {
    const now = clock.now();
    const next = Math.min(...[leaseUntil, sessionUntil].filter((at) => at > now).map((at) => at - now), everyMs);
    // Machines that were started together must not beat together.
    const ms = next === everyMs ? Math.round(everyMs * (least + Math.random() * (1.1 - least))) : next;
    wake = new AbortController();
    await pause(clock, ms, AbortSignal.any([signal, wake.signal]));
    await graceAfterSleep(now, ms);
  };

  return {
    async run() {
      leaseUntil = (await files.lease()) ?? clock.now() + granted(session);
      await files.saveLimits({ hardStopAfterMs: session.hardStopAfterMs, sessionUntil });
      await removeWarning(home).catch(() => {});
      if (fresh) await wait(0.1);
      while (!signal.aborted) {
        const began = clock.now();
        const server = await machine.server();
        const { refused, busy } = await beat(server);
        if (signal.aborted) break;
        // It may have gone to sleep in the middle of that.
        await graceAfterSleep(began, 0);
        if (refused) return { end: 'refused' };
        if (server.state === 'exited') return { end: 'server', code: server.code };
        const { hardStopAfterMs } = session;
        const verdict = judge({ now: clock.now(), leaseUntil, sessionUntil, hardStopAfterMs, busy });
        if (verdict.go === 'off') return { end: 'off', why: verdict.why };
        await warn(verdict);
        await wait();
      }
      return { end: 'aborted' };
    },
    async spot(notice) {
      spotNotice = notice;
      log.warn({ ...notice }, 'this spot machine is about to be taken back');
      await machine.flush().catch(() => {});
      await warnInHome(home, account.uid, 'spot', notice.at).catch(() => {});
      wake.abort();
    },
  };
}
