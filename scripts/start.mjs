import { mkdirSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { ensurePython, pythonIsReady } from '../packages/atrium/setup/python.mjs';
import { adminPageIsReady, ensureAdminPage } from './lib/admin-page.mjs';
import { become, commandLine, runScript } from './lib/launch.mjs';
import { ensureNode, readyNode } from './lib/node.mjs';
import { ensurePackages, packagesAreReady } from './lib/npm.mjs';
import { root, wheelsDir } from './lib/root.mjs';

/** `npm start [-- arguments of atrium up]`: everything from a fresh clone to a hub that serves. */
await runScript(async () => {
  const args = process.argv.slice(2);
  const given = dataDirIn(args);
  const dataDir = given ?? join(root, '.atrium');
  const python = join(dataDir, 'python');
  const onlyAsks = args.some((arg) => arg === '--help' || arg === '-h' || arg === '--version');

  const isReady = readyNode() && packagesAreReady() && (onlyAsks || (adminPageIsReady(root) && pythonIsReady(python)));
  if (!isReady)
    process.stderr.write('Setting Atrium up. This is done once; Ctrl-C is safe, it goes on where it was.\n');
  const node = await ensureNode();
  await ensurePackages();
  // What it holds is its owner's; the environment inside is made readable for people's servers.
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (!onlyAsks) {
    await ensureAdminPage(root, node);
    await ensurePython({ dir: python, wheels: wheelsDir });
  }

  return become(node, commandLine(['up', ...(given ? [] : ['--data-dir', dataDir]), ...args]));
});

/** The data directory that the arguments name, absolute; undefined when they name none. */
function dataDirIn(args) {
  const at = args.findIndex((arg) => arg === '--data-dir' || arg.startsWith('--data-dir='));
  if (at < 0) return undefined;
  const value = args[at].includes('=') ? args[at].slice('--data-dir='.length) : args[at + 1];
  if (!value) return undefined;
  return isAbsolute(value) ? value : resolve(value);
}
