import type { Server, StopReason } from '../servers/servers.service.ts';
import { isReady, pendingOf, stopAfterOf } from '../servers/servers.service.ts';
import type { StateIcon } from './icons.ts';
import type { PageContext } from './layout.ts';
import type { StayView } from './stay-view.ts';
import { t } from './strings.ts';
import { duration } from './times.ts';

/** A server as a page shows it: everything decided, nothing left to look up. */
export interface ServerView {
  /** '' for the default server. */
  name: string;
  /** What people call it: the display name, or "your server". */
  label: string;
  icon: StateIcon;
  /** The state in a word. */
  state: string;
  /** Since when, ms. */
  since: number | null;
  running: boolean;
  pending: 'spawn' | 'stop' | null;
  url: string;
  pendingUrl: string;
  /** Why it does not run, as a sentence; empty while it runs or before the first start. */
  why: string;
  /** When it stopped or failed. */
  endedAt: number | null;
  /** What the member of staff who stopped it wrote. */
  note: string;
  lastActivity: number | null;
  /** Its own idle setting, s; null = its owner's; 0 = never. */
  stopAfter: number | null;
  /** Whether it stays on; only where a page shows that, and only while it runs. */
  stay?: StayView | undefined;
}

type Viewer = { user: { id: number; name: string } };
type ViewContext = Pick<PageContext, 'config' | 'urls'>;

function iconOf(server: Server): StateIcon {
  if (isReady(server)) return 'running';
  const pending = pendingOf(server);
  if (pending === 'stop') return 'stopping';
  if (pending === 'spawn') return server.phase === 'queued' ? 'queued' : 'starting';
  return server.failure ? 'problem' : 'stopped';
}

/** "It stopped after 1 h without activity." in the viewer's eyes: `you` when they did it themselves. */
export function whyStopped(reason: StopReason, viewer: string, idleSeconds: number): string {
  const { code, by } = reason;
  if (code === 'user' || code === 'admin') {
    if (by === viewer) return t.why.you;
    return by ? t.why.somebody(by) : t.why[code];
  }
  if (code === 'idle') return idleSeconds > 0 ? t.why.idle(duration(idleSeconds)) : t.why.idleSome;
  if (code === 'exited' && reason.message) return reason.message;
  return t.why[code];
}

/** A server that was never started: there is no row of it yet. */
export function absentServer(
  ctx: ViewContext,
  owner: { id: number; name: string },
  name: string,
  viewer: Viewer,
): ServerView {
  const fallback = owner.id === viewer.user.id ? t.server.yours : t.server.theirs(owner.name);
  return {
    name,
    label: name === '' ? fallback : name,
    icon: 'stopped',
    state: t.server.states.stopped,
    since: null,
    running: false,
    pending: null,
    url: ctx.urls.serverUrl(owner.name, name),
    pendingUrl: ctx.urls.spawnPending(owner.name, name),
    why: '',
    endedAt: null,
    note: '',
    lastActivity: null,
    stopAfter: null,
  };
}

export function viewServer(
  ctx: ViewContext,
  server: Server,
  viewer: Viewer,
  ownerStopAfter: number | null = null,
): ServerView {
  const icon = iconOf(server);
  const own = server.userId === viewer.user.id;
  const stopped = server.phase === 'stopped';
  // Its end has a reason from the moment it is decided, not only once it is done.
  const over = stopped || pendingOf(server) === 'stop';
  const { failure, stopReason } = server;
  const idle = stopAfterOf(server, ownerStopAfter, ctx.config.idle.stopAfter);
  const fallback = own ? t.server.yours : t.server.theirs(server.userName);
  return {
    name: server.name,
    label: server.name === '' ? fallback : server.displayName || server.name,
    icon,
    state: t.server.states[icon],
    since: isReady(server) ? server.startedAt : stopped ? null : server.phaseAt,
    running: isReady(server),
    pending: pendingOf(server),
    url: ctx.urls.serverUrl(server.userName, server.name),
    pendingUrl: ctx.urls.spawnPending(server.userName, server.name),
    why: !over ? '' : (failure?.message ?? (stopReason ? whyStopped(stopReason, viewer.user.name, idle) : '')),
    endedAt: over ? (failure?.at ?? stopReason?.at ?? null) : null,
    note: (over && stopReason?.note) || '',
    lastActivity: server.lastActivity,
    stopAfter: server.stopAfter,
  };
}
