import { appendFile } from 'node:fs/promises';
import type { Clock } from '@atrium/sdk';
import type { Logger } from 'pino';

/** JupyterHub's event schema of what happens to servers (jupyterhub/event-schemas/server-actions/v1.yaml). */
const SCHEMA = 'https://schema.jupyter.org/jupyterhub/events/server-action';

export interface ServerAction {
  action: 'start' | 'stop';
  username: string;
  /** '' for the default server. */
  servername: string;
}

/** Appends what happened to servers to a file, in order; disposing waits until it is written. */
export interface EventLog extends AsyncDisposable {
  record(event: ServerAction): void;
}

/** @param file absolute; undefined when nobody wants events */
export function openEventLog(file: string | undefined, clock: Clock, log: Logger): EventLog {
  let written: Promise<void> = Promise.resolve();
  return {
    record(event) {
      if (file === undefined) return;
      const line = {
        __timestamp__: new Date(clock.now()).toISOString(),
        __schema__: SCHEMA,
        __schema_version__: '1',
        __metadata_version__: 1,
        ...event,
      };
      // Opened anew each time, so that a file that was rotated away is left alone at once.
      written = written
        .then(() => appendFile(file, `${JSON.stringify(line)}\n`, { mode: 0o640 }))
        .catch((err) => log.error({ err, ...event }, 'could not write to the event log'));
    },
    [Symbol.asyncDispose]: () => written,
  };
}
