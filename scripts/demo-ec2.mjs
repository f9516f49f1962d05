import { join } from 'node:path';
import { ensurePython } from '../packages/atrium/setup/python.mjs';
import { ensureAdminPage } from './lib/admin-page.mjs';
import { become, runScript } from './lib/launch.mjs';
import { findTestPython } from './lib/machine.mjs';
import { ensureNode } from './lib/node.mjs';
import { ensurePackages } from './lib/npm.mjs';
import { cacheDir, root, wheelsDir } from './lib/root.mjs';

/** `npm run demo:ec2`: a hub whose servers are EC2 instances, and a simulated EC2 on this computer. Ctrl-C ends all of it. */
await runScript(async () => {
  const node = await ensureNode();
  // The agent is bundled as it would be for an image.
  await ensurePackages({ dev: true });
  await ensureAdminPage(root, node);
  // People's servers run under accounts of their own, so not in a folder that is ours alone.
  const python = findTestPython('current') ?? join(cacheDir, 'demo-python');
  await ensurePython({ dir: python, wheels: wheelsDir });
  return become(node, ['--conditions=atrium-source', join(root, 'tools/ec2-sim/src/demo/main.ts'), python]);
});
