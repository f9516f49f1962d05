import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const HUB = fileURLToPath(new URL('./hub.ts', import.meta.url));
const PACKAGE = fileURLToPath(new URL('../../../packages/hub/', import.meta.url));

/**
 * The hub to be killed in one file, as it is now: a thousand of them are loaded, and loading them from source would take
 * most of the time. @returns the file, in `dir`
 */
export async function bundleHub(dir: string): Promise<string> {
  const folder = join(dir, 'hub-package/src/chaos');
  mkdirSync(folder, { recursive: true });
  for (const name of ['static', 'package.json'])
    cpSync(join(PACKAGE, name), join(dir, 'hub-package', name), { recursive: true });
  const bundle = await rolldown({
    input: HUB,
    platform: 'node',
    resolve: { conditionNames: ['atrium-source', 'node', 'import'] },
    external: ['pg-native', 'pg-cloudflare'],
    onLog() {},
  });
  try {
    await bundle.write({ dir: folder, format: 'esm', entryFileNames: 'hub.mjs', chunkFileNames: '[name]-[hash].mjs' });
  } finally {
    await bundle.close();
  }
  return join(folder, 'hub.mjs');
}
