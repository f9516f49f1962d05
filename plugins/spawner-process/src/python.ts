import { access, readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * The folders a Python environment is made of: itself (`sys.prefix`) and the installation it was made from
 * (`sys.base_prefix`). Read from `pyvenv.cfg`, so that no Python is started. Empty when there is none.
 */
export async function pythonFolders(prefix: string): Promise<string[]> {
  const folders = [prefix];
  const config = await readFile(join(prefix, 'pyvenv.cfg'), 'utf8').catch(() => '');
  const home = /^home\s*=\s*(.+)$/m.exec(config)?.[1]?.trim();
  if (home) folders.push(dirname(home));
  const binary = await realpath(join(prefix, 'bin', 'python3')).catch(() => undefined);
  if (!binary) return [];
  folders.push(dirname(dirname(binary)));
  return [...new Set(folders)].filter((folder) => folder !== '/' && folder !== '/usr');
}

/** A Python environment or installation, by its looks. */
export async function looksLikePython(path: string): Promise<boolean> {
  return access(join(path, 'bin', 'python3')).then(
    () => true,
    () => false,
  );
}
