import { registerHooks } from 'node:module';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, type LoadedConfig, loadConfig } from '@atrium/hub/config';
import { withClusterFacts } from './cluster-facts.ts';

/**
 * Reads the file (if any), adds flags and defaults, checks everything.
 * @throws ConfigError with one line per problem.
 */
export async function readConfig(file: string | undefined, flags: Record<string, unknown>): Promise<LoadedConfig> {
  const [{ password }, { processSpawner }] = await Promise.all([
    import('@atrium/auth-password'),
    import('@atrium/spawner-process'),
  ]);
  const defaults = { authenticator: password(), spawner: processSpawner() };
  return loadConfig({ file: file && withClusterFacts(await importConfig(file)), flags, defaults });
}

/** What the file exports. It may lie anywhere: `atrium`, its plug-ins and `zod` are found where we find them. */
async function importConfig(file: string): Promise<unknown> {
  const url = pathToFileURL(file).href;
  const isScript = /\.m?[jt]s$/.test(file);
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'atrium') return next(new URL(`../index.${OWN_ENDING}`, import.meta.url).href, context);
      if (specifier === 'zod' || specifier.startsWith('@atrium/')) {
        return next(specifier, { ...context, parentURL: import.meta.url });
      }
      const found = next(specifier, context);
      // Without a package.json beside it, Node would guess, and say so on the terminal.
      if (found.url !== url || !isScript) return found;
      return { ...found, format: file.endsWith('ts') ? 'module-typescript' : 'module' };
    },
  });
  try {
    const module = (await import(url)) as { default?: unknown };
    if (module.default === undefined) throw new ConfigError([`${file}: export default defineConfig({ … }) is missing`]);
    return module.default;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError([`${file}: ${whatFailed(error as Error, file)}`]);
  } finally {
    hooks.deregister();
  }
}

const OWN_ENDING = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** A syntax error's place is in its stack's first line; a thrown one's in the frames. */
function whatFailed(error: Error, file: string): string {
  const lines = (error.stack ?? '').split('\n').filter((line) => line.includes(`${basename(file)}:`));
  const place = /:(\d+)/.exec(lines[0]?.split(basename(file))[1] ?? '')?.[1];
  return place ? `${error.message} (line ${place})` : error.message;
}
