import type { LoadedConfig } from '../config/load.ts';
import { showConfig } from '../config/show.ts';
import type { AppContext } from '../context.ts';
import { audit } from './audit.service.ts';
import { exchangeSeenConfig } from './seen-config.repo.ts';

type Settings = Record<string, unknown>;

/**
 * Compares the configuration with that of the start before, and records which settings are others now. Secrets are masked
 * before anything is stored, so a new secret in the place of an old one is no change here.
 */
export async function recordConfigChanges(ctx: AppContext, loaded: LoadedConfig): Promise<void> {
  const now: Settings = Object.fromEntries(showConfig(loaded).map(({ path, value }) => [path, value ?? null]));
  const text = await exchangeSeenConfig(ctx.db, JSON.stringify(now));
  if (text === undefined) return;
  const before = JSON.parse(text) as Settings;
  const same = (path: string) => JSON.stringify(before[path]) === JSON.stringify(now[path]);
  const changed = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((path) => !same(path));
  if (changed.length === 0) return;
  const changes = changed.map((setting) => ({ setting, from: before[setting] ?? null, to: now[setting] ?? null }));
  await audit(ctx, { action: 'config.change', of: { kind: 'config', name: changed.join(', ') }, detail: { changes } });
}
