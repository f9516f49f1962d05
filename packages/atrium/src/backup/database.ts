import { join } from 'node:path';
import type { HubConfig } from '@atrium/hub/config';
import { Secret } from '@atrium/sdk';

export type Where = { kind: 'sqlite'; file: string } | { kind: 'postgres'; url: string };

/** Where the configuration keeps the database. */
export function databaseOf(config: HubConfig, dataDir: string): Where {
  const url = config.database instanceof Secret ? config.database.reveal() : config.database;
  if (url === undefined) return { kind: 'sqlite', file: join(dataDir, 'hub.sqlite') };
  if (url.startsWith('sqlite://')) return { kind: 'sqlite', file: url.slice('sqlite://'.length) };
  return { kind: 'postgres', url };
}
