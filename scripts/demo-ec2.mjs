import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensurePython } from '../packages/atrium/setup/python.mjs';
import { become, runScript } from './lib/launch.mjs';
import { ensureNode } from './lib/node.mjs';
import { ensurePackages } from './lib/npm.mjs';
import { root, wheelsDir } from './lib/root.mjs';

/** `npm run demo:ec2`: a hub whose servers are EC2 instances, and a simulated EC2 on this computer. Ctrl-C ends all of it. */
await runScript(async () => {
  const node = await ensureNode();
  // The agent is bundled as it would be for an image.
  await ensurePackages({ dev: true });
  const dataDir = join(root, '.atrium');
  const python = join(dataDir, 'python');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  await ensurePython({ dir: python, wheels: wheelsDir });
  return become(node, ['--conditions=atrium-source', join(root, 'tools/ec2-sim/src/demo/main.ts'), python]);
});
