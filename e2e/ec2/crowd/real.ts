import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HubOptions } from './hub.ts';

/** Whose machines run the real notebook server, and what the hub is told for that. */
export interface Real {
  names: ReadonlySet<string>;
  hub: Pick<HubOptions, 'command' | 'ec2'>;
}

const singleuser = join(process.env.ATRIUM_TEST_PYTHON || '/nowhere', 'bin/jupyterhub-singleuser');

/** The first `most` of them, where this machine has jupyterhub-singleuser; else nobody. */
export function realServers(names: readonly string[], most: number): Real {
  if (!existsSync(singleuser)) return { names: new Set(), hub: {} };
  return {
    names: new Set(names.slice(0, most)),
    hub: {
      command: [singleuser, '--log-level=WARN'],
      ec2: { environment: { PATH: `${dirname(singleuser)}:/usr/bin:/bin` } },
    },
  };
}
