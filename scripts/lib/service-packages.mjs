import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { step } from '../../packages/atrium/setup/report.mjs';
import { run } from '../../packages/atrium/setup/run.mjs';
import { clearStamp, fileHash, readStamp, writeStamp } from '../../packages/atrium/setup/stamp.mjs';
import { cacheDir, root } from './root.mjs';

const PINS = join(root, 'tools', 'service-packages.txt');
const dir = join(cacheDir, 'service-packages');
const stamp = `${dir}.json`;

/** The folder with the Python packages of services that are tested; belongs on PYTHONPATH. Undefined when it is not complete. */
export function findServicePackages() {
  return readStamp(stamp)?.pins === fileHash(PINS) ? dir : undefined;
}

/** Fetches them, once. `python` is the folder of the environment that they are laid over. */
export async function ensureServicePackages(python) {
  const found = findServicePackages();
  if (found) return found;
  clearStamp(stamp);
  rmSync(dir, { recursive: true, force: true });
  const pins = ['--no-deps', '--only-binary', ':all:', '--require-hashes', '-r', PINS];
  await step('Python packages of services for the tests', () =>
    run(
      join(python, 'bin', 'python'),
      ['-m', 'pip', '--disable-pip-version-check', 'install', '-q', '--target', dir, ...pins],
      {
        umask: 0o022,
      },
    ),
  );
  writeStamp(stamp, { pins: fileHash(PINS) });
  return dir;
}
