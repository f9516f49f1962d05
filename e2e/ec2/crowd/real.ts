import { dirname, join } from 'node:path';
import { testPython } from '../../../tools/test-machine.ts';
import type { HubOptions } from './hub.ts';

/** Whose machines run the real notebook server, and what the hub is told for that. */
export interface Real {
  names: ReadonlySet<string>;
  hub: Pick<HubOptions, 'command' | 'ec2'>;
}

/** The first `most` of them, where this machine has jupyterhub-singleuser; else nobody. */
export function realServers(names: readonly string[], most: number): Real {
  const python = testPython();
  if (!python) return { names: new Set(), hub: {} };
  const singleuser = join(python, 'bin/jupyterhub-singleuser');
  return {
    names: new Set(names.slice(0, most)),
    hub: {
      command: [singleuser, '--log-level=WARN'],
      ec2: { environment: { PATH: `${dirname(singleuser)}:/usr/bin:/bin` } },
    },
  };
}
