import { Secret } from '@atrium/sdk';
import type { LoadedConfig, Origin } from './load.ts';
import { HubConfigSchema } from './schema.ts';
import { settingsOf, valueAt } from './walk.ts';

export interface ShownSetting {
  path: string;
  /** Safe to print: secrets are masked, passwords inside addresses too. */
  value: unknown;
  origin: Origin;
  /** Where a secret is read from: `env HUB_KEY`. */
  from?: string;
}

/** Every setting with its value and origin, secrets masked. Plug-in options follow their plug-in. */
export function showConfig({ config, options, sources }: LoadedConfig): ShownSetting[] {
  const originOf = (path: string): Origin =>
    valueAt(sources.flags, path) !== undefined
      ? 'flag'
      : valueAt(sources.file, path) !== undefined
        ? 'file'
        : 'default';
  return settingsOf(HubConfigSchema).flatMap(({ path }): ShownSetting[] => {
    if (path !== 'authenticator' && path !== 'spawner') return [shown(path, valueAt(config, path), originOf(path))];
    const plugin = config[path];
    return [
      { path, value: plugin.id, origin: originOf(path) },
      ...settingsOf(plugin.config).map((setting) =>
        shown(
          `${path}.${setting.path}`,
          valueAt(options[path], setting.path),
          valueAt(plugin.options, setting.path) === undefined ? 'default' : 'file',
        ),
      ),
    ];
  });
}

function shown(path: string, value: unknown, origin: Origin): ShownSetting {
  return { path, value: masked(value), origin, ...(value instanceof Secret ? { from: value.origin } : {}) };
}

const MASK = String(new Secret(''));
/** An environment variable for servers whose name says that its value is nobody's business. */
const TELLTALE = /secret|token|passw|key|credential/i;

/** A copy that can be printed. */
function masked(value: unknown): unknown {
  if (value instanceof Secret) return String(value);
  if (typeof value === 'function') return '(function)';
  if (typeof value === 'string') return value.replace(/^(\w+:\/\/[^/@\s:]*):[^/@\s]*@/, `$1:${MASK}@`);
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, TELLTALE.test(key) && inner ? MASK : masked(inner)]),
    );
  return value;
}
