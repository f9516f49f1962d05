import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HubError, Secret } from '@atrium/sdk';
import { randomHex } from './keys.ts';

/** The hub key of the config, or the one in `<dataDir>/keys/hub.key` (0600), made the first time. */
export function hubKeyOf(configured: Secret | undefined, dataDir: string): Secret {
  if (configured) return configured;
  const file = join(dataDir, 'keys', 'hub.key');
  mkdirSync(join(dataDir, 'keys'), { recursive: true, mode: 0o700 });
  try {
    // `wx`: of two hubs that start together, one makes it and both read it.
    writeFileSync(file, `${randomHex(32)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const key = readFileSync(file, 'utf8').trim();
  if (!/^[0-9a-f]{64}$/.test(key)) {
    throw new HubError(
      'misconfigured',
      `${file} is damaged: it must hold 64 hexadecimal characters. Restore it from a backup.`,
    );
  }
  return new Secret(key, `file ${file}`);
}
