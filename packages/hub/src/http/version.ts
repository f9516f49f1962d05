import { readFileSync } from 'node:fs';

/** The JupyterHub whose wire contract this hub speaks; clients compare it with their own (contract §1.3). */
export const JUPYTERHUB_VERSION = '6.1.1';

/** Of this program. */
export const ATRIUM_VERSION: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version;
