import type { Account } from '../files/account.ts';
import type { Places } from '../files/data-dir.ts';
import { type HelperServer, helperServer } from '../process/helper-server.ts';

/** The first-party plug-ins that have a part which needs root. Loaded only where there is a root to give. */
export async function rootHelper({ dataDir, runDir }: Places, { uid, gid }: Account): Promise<HelperServer> {
  const { processHelper } = await import('@atrium/spawner-process/helper');
  return helperServer([processHelper], { dataDir, runDir, hubUid: uid, hubGid: gid });
}
