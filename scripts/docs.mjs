import { join } from 'node:path';
import { become, runScript } from './lib/launch.mjs';
import { ensureNode } from './lib/node.mjs';
import { ensurePackages } from './lib/npm.mjs';
import { root } from './lib/root.mjs';

/** `npm run docs`: writes the reference pages that come from the source anew. */
await runScript(async () => {
  const node = await ensureNode();
  await ensurePackages();
  return become(node, ['--conditions=atrium-source', join(root, 'tools', 'write-docs.ts')], { cwd: root });
});
