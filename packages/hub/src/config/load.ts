import { type ConfiguredAuthenticator, type ConfiguredSpawner, SDK_VERSION } from '@atrium/sdk';
import type { z } from 'zod';
import { nearest } from './nearest.ts';
import { roleProblems } from './roles-schema.ts';
import { type HubConfig, HubConfigSchema } from './schema.ts';
import { addressProblems, withPublicUrl } from './subdomain-schema.ts';
import { tlsProblems } from './tls-schema.ts';
import { settingsOf, shapeOf } from './walk.ts';

/** Where a setting's value comes from. */
export type Origin = 'default' | 'file' | 'flag';

export interface ConfigSources {
  /** What the configuration file exports; undefined when there is none. */
  file?: unknown;
  /** Settings given on the command line; they win. */
  flags?: Record<string, unknown>;
  /** Plug-ins used when the file names none. */
  defaults: { authenticator: ConfiguredAuthenticator; spawner: ConfiguredSpawner };
}

export interface LoadedConfig {
  config: HubConfig;
  /** Plug-in options, parsed with the plug-in's own schema. */
  options: { authenticator: unknown; spawner: unknown };
  sources: ConfigSources;
}

/** A configuration that cannot be used: one line per problem, each naming its path. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/**
 * Checks and completes a configuration.
 * @throws ConfigError with every problem at once.
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const file = sources.file ?? {};
  if (typeof file !== 'object' || file === null || Array.isArray(file)) {
    throw new ConfigError(['The configuration file must export defineConfig({ … }) as its default']);
  }
  const given = { ...sources.defaults, ...withoutUndefined(file), ...withoutUndefined(sources.flags ?? {}) };
  const parsed = HubConfigSchema.safeParse(withStartOf(given.spawner, given));
  const problems = parsed.success ? [] : explainIssues(parsed.error.issues, HubConfigSchema);
  const parse = (key: 'authenticator' | 'spawner') => {
    const plugin = HubConfigSchema.shape[key].safeParse(given[key]);
    return plugin.success ? parseOptions(key, plugin.data, problems) : undefined;
  };
  if (parsed.success)
    problems.push(...roleProblems(parsed.data), ...addressProblems(parsed.data), ...tlsProblems(parsed.data));
  const options = { authenticator: parse('authenticator'), spawner: parse('spawner') };
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return { config: withPublicUrl(parsed.data), options, sources };
}

const withoutUndefined = (value: object) =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined));

/** What the spawner says of starts, under what the operator says. Anything that is no spawner is complained of later. */
function withStartOf(spawner: unknown, given: Record<string, unknown>): Record<string, unknown> {
  const defaults = (spawner as Partial<ConfiguredSpawner> | null | undefined)?.start;
  const start = given.start ?? {};
  if (!defaults || typeof start !== 'object') return given;
  return { ...given, start: { ...defaults, ...withoutUndefined(start) } };
}

/** A plug-in's options by its own schema; what is wrong goes to `problems`, named by key and plug-in. */
function parseOptions(
  key: 'authenticator' | 'spawner',
  plugin: ConfiguredAuthenticator | ConfiguredSpawner,
  problems: string[],
): unknown {
  const name = `${key} ${plugin.id}`;
  if (plugin.sdk !== SDK_VERSION) {
    problems.push(`${name}: it needs SDK ${plugin.sdk}, this hub has ${SDK_VERSION}`);
    return undefined;
  }
  const parsed = plugin.config.safeParse(plugin.options);
  if (parsed.success) return parsed.data;
  problems.push(...explainIssues(parsed.error.issues, plugin.config, name));
  return undefined;
}

/** One line per problem: the path, what is wrong, and for an unknown key the one that was meant. */
export function explainIssues(issues: readonly z.core.$ZodIssue[], schema: z.ZodType, where = ''): string[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map(String);
    if (issue.code !== 'unrecognized_keys') {
      const at = [where, path.join('.')].filter(Boolean).join(': ') || 'configuration';
      return [`${at}: ${issue.message}`];
    }
    const below = path.reduce<z.ZodType | undefined>((at, key) => at && shapeOf(at)?.[key], schema);
    const known = Object.keys((below && shapeOf(below)) ?? {});
    return issue.keys.map((key) => {
      const at = [where, [...path, key].join('.')].filter(Boolean).join(': ');
      return `${at}: unknown setting. ${suggestion(key, path, known, schema)}`;
    });
  });
}

function suggestion(key: string, path: string[], known: string[], schema: z.ZodType): string {
  const sibling = nearest(key, known);
  if (sibling) return `Did you mean ${[...path, sibling].join('.')}?`;
  const everywhere = settingsOf(schema).map((setting) => setting.path);
  const last = (dotted: string) => dotted.slice(dotted.lastIndexOf('.') + 1);
  const near = nearest(key, everywhere.map(last));
  const elsewhere = everywhere.find((dotted) => last(dotted) === near);
  if (elsewhere) return `Did you mean ${elsewhere}?`;
  return known.length > 0 ? `Known here: ${known.join(', ')}` : 'Nothing can be set here';
}
