import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock, Log } from '@atrium/sdk';
import { KeptFile } from '../kept-file.ts';
import { cleanKey, type Routes } from './routes.ts';

export interface StateFileOptions {
  path: string;
  /** What routes mean: those of the other kind lead nowhere. */
  hostRouting: boolean;
  routes: Routes;
  clock: Clock;
  log: Log;
}

/**
 * Reads the routes of the time before this start, and keeps those of now. A file that cannot be read or written is told in
 * the log: whoever sets the routes will set them again.
 */
export function openStateFile({ path, hostRouting, routes, clock, log }: StateFileOptions): KeptFile {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const known = readRoutes(readFileSync(path, 'utf8'), hostRouting);
    let unusable = 0;
    for (const [key, data] of Object.entries(known)) {
      try {
        const last = Date.parse(String(data.last_activity));
        routes.add(cleanKey(key), data, Number.isFinite(last) ? { lastActivity: Math.min(last, clock.now()) } : {});
      } catch {
        unusable++;
      }
    }
    log.info(
      { routes: routes.size, file: path, ...(unusable > 0 && { unusable }) },
      'routes of the last time are back',
    );
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ENOENT') {
      log.warn({ err, file: path }, 'the routes on disk are not readable; starting without them');
    }
  }
  const text = () => JSON.stringify({ version: 1, hostRouting, routes: routes.lasting() });
  return new KeptFile({ path, text, clock, log });
}

function readRoutes(text: string, hostRouting: boolean): Record<string, Record<string, unknown>> {
  const { version, routes, ...rest } = (JSON.parse(text) ?? {}) as Record<string, unknown>;
  if (version !== 1 || typeof routes !== 'object' || routes === null) throw new Error('it is not a file of routes');
  if (rest.hostRouting !== hostRouting) {
    throw new Error(`they were set at a proxy ${hostRouting ? 'without' : 'with'} host routing`);
  }
  const entries = Object.entries(routes);
  if (!entries.every(([, data]) => typeof data === 'object' && data !== null))
    throw new Error('it has malformed routes');
  return routes as Record<string, Record<string, unknown>>;
}
