import { join } from 'node:path';
import { become, runScript } from '../../scripts/lib/launch.mjs';
import { ensureNode } from '../../scripts/lib/node.mjs';
import { ensurePackages } from '../../scripts/lib/npm.mjs';
import { root } from '../../scripts/lib/root.mjs';

/** `npm run bench:proxy [-- options]`: fetches what it needs, then measures. */
await runScript(async () => {
  const node = await ensureNode();
  await ensurePackages({ dev: true });
  return become(node, ['--conditions=atrium-source', join(root, 'bench/proxy/run.ts'), ...process.argv.slice(2)]);
});
