import { join } from 'node:path';
import { become, runScript } from '../../scripts/lib/launch.mjs';
import { ensureTestPythons } from '../../scripts/lib/machine.mjs';
import { ensureNode } from '../../scripts/lib/node.mjs';
import { ensurePackages } from '../../scripts/lib/npm.mjs';
import { root } from '../../scripts/lib/root.mjs';

/** `npm run bench:start [-- options]`: fetches what it needs, then measures. */
await runScript(async () => {
  const node = await ensureNode();
  await ensurePackages({ dev: true });
  const { python5 } = await ensureTestPythons();
  const args = ['--conditions=atrium-source', join(root, 'bench/start/run.ts'), ...process.argv.slice(2)];
  return become(node, args, { env: { ...process.env, ATRIUM_TEST_PYTHON_5: python5 } });
});
