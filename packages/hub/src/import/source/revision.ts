import { HubError } from '@atrium/sdk';

/** The last database revision of each JupyterHub that can be taken over, and which that is. */
export const REVISIONS: Readonly<Record<string, string>> = {
  '0eee8c825d24': '4',
  '4621fec11365': '5',
  f460b0348206: '6',
};

/** Those of the versions before, to say more than "unknown". */
const OLDER: Readonly<Record<string, string>> = {
  '4dc2d5a8c53c': '1.5',
  '833da8570507': '2',
  '651f5419b74d': '3',
};

/**
 * Which JupyterHub wrote a database.
 * @param revisions Rows of `alembic_version`; undefined when there is no such table.
 * @throws HubError `bad_request` with what to do.
 */
export function versionOf(revisions: readonly string[] | undefined): { revision: string; version: string } {
  const [revision, ...more] = revisions ?? [];
  if (revision === undefined || more.length > 0) {
    throw new HubError('bad_request', 'This is no database of JupyterHub: it says no version (table alembic_version).');
  }
  const version = REVISIONS[revision];
  if (version !== undefined) return { revision, version };
  const known = Object.entries(REVISIONS).map(([head, name]) => `${name} (${head})`);
  const old = OLDER[revision];
  throw new HubError(
    'bad_request',
    `This database has revision ${revision}${old === undefined ? '' : `, of JupyterHub ${old}`}. Those of JupyterHub ` +
      `${known.join(', ')} can be taken over. An older one is brought up to date on a copy: install JupyterHub 5, then ` +
      'jupyterhub upgrade-db.',
  );
}
