import { join, relative } from 'node:path';
import { runScript } from './lib/launch.mjs';
import { ensureNode } from './lib/node.mjs';
import { ensurePackages } from './lib/npm.mjs';
import { root } from './lib/root.mjs';

/**
 * `npm run pack [-- folder]`: archives that `npm install -g` installs on a machine without this repository: the hub with
 * everything, and the stand-alone proxy.
 */
await runScript(async () => {
  await ensureNode();
  await ensurePackages({ dev: true });
  const { packAtrium, packProxy } = await import('./lib/pack.mjs');
  for (const pack of [packAtrium, packProxy]) {
    const { file, bytes, sha256 } = await pack(process.argv[2] ?? join(root, 'dist'));
    process.stdout.write(`${relative(process.cwd(), file)}  ${(bytes / 1e6).toFixed(1)} MB\nSHA-256 ${sha256}\n`);
  }
  return 0;
});
