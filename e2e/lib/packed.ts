import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isOffline, run } from '../../packages/atrium/setup/run.mjs';

const MODULES = fileURLToPath(new URL('../../node_modules/', import.meta.url));
/** Nobody waits minutes for a registry that is not there. */
const IMPATIENT = ['--fetch-retries=0', '--fetch-timeout=20000'];

/**
 * Installs the archive below `prefix` as a person does, and answers where its command is. Where npm reaches no registry, the
 * archive is unpacked and finds other people's packages in this clone.
 */
export async function installPacked(archive: string, prefix: string): Promise<string> {
  const args = ['install', '--global', '--prefix', prefix, '--prefer-offline', '--ignore-scripts', '--no-audit'];
  await run('npm', [...args, '--no-fund', ...IMPATIENT, archive]).catch((cause) => {
    if (!isOffline(cause)) throw cause;
    return unpackLinked(archive, join(prefix, 'lib', 'node_modules', 'atrium'));
  });
  return join(prefix, 'lib', 'node_modules', 'atrium', 'bin', 'atrium.mjs');
}

/** Unpacks the archive into `dir`, with links to this clone's copies of what it depends on. */
export async function unpackLinked(archive: string, dir: string): Promise<void> {
  mkdirSync(dir, { recursive: true });
  await run('tar', ['-xzf', archive, '-C', dir, '--strip-components=1']);
  for (const name of readdirSync(MODULES))
    if (!/^(\.|@?atrium$)/.test(name)) symlinkSync(join(MODULES, name), join(dir, 'node_modules', name));
}
