import type { Clock, Log, WarmReport, WarmTemplate } from '@atrium/sdk';
import type { ProcessConfig } from './config.ts';
import type { Started } from './warm.ts';

/** Counts how servers were started, says it in the log, and makes the report of it. */
export interface Tally {
  note(server: string, started: Started | null, log: Log): void;
  report(templates: WarmTemplate[]): WarmReport;
}

/** A template that is not ready by then has a reason that somebody should look at, ms. */
const PATIENCE_MS = 300_000;

export function createTally({ start }: Pick<ProcessConfig, 'start'>, clock: Clock): Tally {
  const starts: WarmReport['starts'] = { warm: 0, cold: {} };
  const since = clock.now();
  return {
    note(server, started, log) {
      if (!started) return;
      if (started.start === 'warm') starts.warm += 1;
      else starts.cold[started.reason] = (starts.cold[started.reason] ?? 0) + 1;
      const { reason, detail } = started;
      if (started.start === 'warm') log.info({ server }, 'warm start');
      else log.info({ server, reason, detail }, 'cold start');
    },
    report: (templates) => ({
      setting: start,
      templates,
      starts: { warm: starts.warm, cold: { ...starts.cold } },
      off: offOf(start, templates, clock.now() - since),
    }),
  };
}

function offOf(start: 'warm' | 'cold', templates: readonly WarmTemplate[], ageMs: number): WarmReport['off'] {
  if (start === 'cold') {
    return { reason: 'off', message: "The configuration says start: 'cold'.", advice: '' };
  }
  if (templates.some(({ state }) => state === 'ready')) return null;
  const [first] = templates;
  if (!first) {
    return {
      reason: 'command',
      message:
        'The command is not a Python notebook server that can be loaded before, or servers are kept apart by user namespaces.',
      advice: 'With jupyterhub-singleuser, and the hub started as root, starts take a fraction of the time.',
    };
  }
  if (first.state === 'unsafe') {
    return {
      reason: 'unsafe',
      message: first.detail,
      advice:
        'Every start is a cold one. A Python environment that is only root’s, and whose packages start nothing when they are imported, can be loaded before.',
    };
  }
  if (first.state === 'failed' || ageMs > PATIENCE_MS) {
    return {
      reason: 'not_ready',
      message: first.detail || 'The template is not ready yet.',
      advice: 'Starts are cold until it is. The log warm-template.log has more.',
    };
  }
  return null;
}
