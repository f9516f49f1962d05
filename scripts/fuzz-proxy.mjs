import { join } from 'node:path';
import { become, runScript } from './lib/launch.mjs';
import { ensureNode } from './lib/node.mjs';
import { ensurePackages } from './lib/npm.mjs';
import { root } from './lib/root.mjs';

/** `npm run fuzz:proxy [-- --minutes 60 --seed 1]`: looks for bytes that the proxy reads otherwise than llhttp. */
await runScript(async () => {
  const node = await ensureNode();
  await ensurePackages({ dev: true });
  const main = join(root, 'packages/proxy/src/testing/fuzz/main.ts');
  return become(node, ['--conditions=atrium-source', main, ...process.argv.slice(2)]);
});
