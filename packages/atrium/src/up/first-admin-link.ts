import { existsSync } from 'node:fs';
import type { Asker } from '../cli/ask.ts';
import type { Places } from '../files/data-dir.ts';
import { writeFileSafely } from '../files/write.ts';
import { readState, readTrusted } from './state.ts';

/** `path` is below the hub's origin; `expiresAt` in ms. Whoever has it becomes an administrator. */
export interface FirstAdminLink {
  path: string;
  expiresAt: number;
}

/** Where other commands of this account find it while `atrium up` runs. */
export function keepFirstAdminLink({ firstAdminFile }: Places, link: FirstAdminLink): void {
  writeFileSafely(firstAdminFile, `${JSON.stringify(link)}\n`, 0o600);
}

/** The link, while it is of use: there is no administrator, and it has not expired. */
export async function usefulFirstAdminLink({ places, ask }: Asker): Promise<FirstAdminLink | undefined> {
  if (!readState(places) || !existsSync(places.firstAdminFile)) return undefined;
  const link = JSON.parse(readTrusted(places.firstAdminFile) ?? 'null') as FirstAdminLink | null;
  if (!link || link.expiresAt <= Date.now()) return undefined;
  const users = await ask<{ admin: boolean }[]>('user-list');
  return users.some(({ admin }) => admin) ? undefined : link;
}
