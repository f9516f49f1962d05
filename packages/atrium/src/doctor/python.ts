import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadedConfig } from '@atrium/hub/config';
import type { Places } from '../files/data-dir.ts';
import { type Check, fail, ok, warn } from './check.ts';

/** The Python environment that people's servers run from. */
export async function checkPython(places: Places, { config, options }: LoadedConfig): Promise<Check[]> {
  if (config.spawner.id !== 'process') return [];
  const { command, python } = options.spawner as { command?: string[]; python?: string };
  if (command) return [ok('Python', `Servers run ${command.join(' ')}`)];
  if (python) {
    const server = join(python, 'bin', 'jupyterhub-singleuser');
    if (existsSync(server)) return [ok('Python', server)];
    return [fail('Python', `${server} is missing.`, `Install jupyterhub and jupyterlab into ${python}.`)];
  }
  const [{ pythonIsReady }, { findPython }] = await Promise.all([
    import('../../setup/python.mjs'),
    import('../../setup/find-python.mjs'),
  ]);
  if (pythonIsReady(places.python)) return [ok('Python', `The environment ${places.python} is complete.`)];
  try {
    const found = await findPython();
    const what = `The environment ${places.python} is not made yet; Python ${found.version.join('.')} is there for it.`;
    return [warn('Python', what, 'atrium up makes it.')];
  } catch (error) {
    const [what = '', ...advice] = (error as Error).message.split('\n');
    return [fail('Python', what, advice.join('\n'))];
  }
}
