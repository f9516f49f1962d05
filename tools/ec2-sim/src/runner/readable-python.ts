import { join } from 'node:path';
import { readableByAll } from '../../../../packages/atrium/setup/find-python.mjs';
import { cacheDir } from '../../../../scripts/lib/root.mjs';
import { testPython } from '../../../test-machine.ts';

/**
 * The folder of a Python environment that people's accounts on simulated machines can run; undefined when there is none.
 * As root, an environment below a folder of ours alone is of no use to them.
 */
export function readablePython(): string | undefined {
  return [testPython(), join(cacheDir, 'test-python')].find((dir) => dir !== undefined && isReadable(dir));
}

function isReadable(dir: string): boolean {
  try {
    return process.getuid?.() !== 0 || readableByAll(join(dir, 'bin', 'jupyterhub-singleuser'));
  } catch {
    return false;
  }
}
