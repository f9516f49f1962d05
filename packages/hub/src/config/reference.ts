import { Secret } from '@atrium/sdk';
import { z } from 'zod';
import { Duration } from './duration.ts';
import { HubConfigSchema } from './schema.ts';
import { type Setting, settingsOf, shapeOf, unwrap } from './walk.ts';

const DURATION = unwrap(Duration);

/** The configuration page of the reference, from the schema alone. */
export function configReference(): string {
  const groups = Object.entries(HubConfigSchema.shape as Record<string, z.ZodType>);
  const plain = groups.filter(([, schema]) => !shapeOf(schema)).map(([path, schema]) => setting(path, schema));
  const sections = groups.flatMap(([path, schema]) =>
    shapeOf(schema) ? [`## ${path}\n\n${schema.description ?? ''}\n\n${table(settingsOf(schema, `${path}.`))}`] : [],
  );
  return [table(plain), ...sections].join('\n\n');
}

/** The table of a plug-in's options. */
export function pluginReference(schema: z.ZodType): string {
  const settings = settingsOf(schema);
  return settings.length > 0 ? table(settings) : 'It has no options.';
}

const setting = (path: string, schema: z.ZodType): Setting => ({ path, schema, description: schema.description ?? '' });

function table(settings: readonly Setting[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const rows = settings.map(({ path, schema, description }) => {
    const fallback = written(defaultOf(schema));
    return `| \`${path}\` | ${cell(typeOf(schema))} | ${fallback && `\`${cell(fallback)}\``} | ${cell(description)} |`;
  });
  return ['| Setting | Type | Default | Meaning |', '|---|---|---|---|', ...rows].join('\n');
}

/** What a setting is when it is not written, as it would be written; undefined when there is nothing. */
export function defaultOf(schema: z.ZodType): unknown {
  const def = schema.def as { defaultValue?: unknown; innerType?: z.ZodType };
  if ('defaultValue' in def) return def.defaultValue;
  return def.innerType ? defaultOf(def.innerType) : undefined;
}

/** As it stands in a configuration file. */
function written(value: unknown): string {
  if (value === undefined || typeof value === 'function') return '';
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}

/** The type in words an operator reads. */
function typeOf(schema: z.ZodType): string {
  const bare = unwrap(schema);
  if (bare === DURATION) return 'duration';
  const def = bare.def as { type: string; entries?: Record<string, string>; values?: unknown[]; options?: z.ZodType[] };
  if (bare instanceof z.ZodArray) return `list of ${typeOf(bare.element as z.ZodType)}`;
  if (bare instanceof z.ZodTuple) return 'list of string';
  if (bare instanceof z.ZodRecord) return 'object';
  if (def.entries) return Object.values(def.entries).map(written).join(' or ');
  if (def.type === 'literal' && def.values) return def.values.map(written).join(' or ');
  if (def.options) return [...new Set(def.options.map(typeOf))].join(' or ');
  if (def.type === 'custom') {
    if (bare.safeParse(new Secret('')).success) return 'secret';
    if (bare.safeParse(() => 0).success) return 'function';
    return /plug-in/.test(messageOf(bare)) ? 'plug-in' : 'object';
  }
  return def.type;
}

/** What the schema itself says about a value that does not fit. */
function messageOf(schema: z.ZodType): string {
  return schema.safeParse(Symbol('nothing')).error?.issues[0]?.message ?? '';
}

/** A configuration file that sets nothing, with every setting there is as a comment. */
export function starterConfig(): string {
  const lines = Object.entries(HubConfigSchema.shape as Record<string, z.ZodType>).flatMap(([key, schema]) => {
    const below = shapeOf(schema);
    const comment = `  // ${schema.description ?? EXAMPLES[key]?.comment ?? ''}`;
    if (!below) return ['', comment, `  // ${key}: ${EXAMPLES[key]?.value ?? example(schema)},`];
    const inner = settingsOf(schema).map(
      (each) => `  //   ${each.path}: ${example(each.schema)}, // ${each.description}`,
    );
    return ['', comment, `  // ${key}: {`, ...inner, '  // },'];
  });
  return [
    "import { defineConfig, password, processSpawner, secret } from 'atrium';",
    '',
    '// Every setting has a default: take away the slashes before what should differ.',
    '// `atrium config check` says what is wrong, `atrium config show` what is in force.',
    'export default defineConfig({',
    ...lines.slice(1),
    '});',
    '',
  ].join('\n');
}

const EXAMPLES: Record<string, { value: string; comment?: string }> = {
  authenticator: { value: "password({ signUp: 'approval' })", comment: 'How people prove who they are.' },
  spawner: { value: 'processSpawner()', comment: 'What runs their servers.' },
  database: { value: "secret.env('ATRIUM_DATABASE')" },
  hubKey: { value: "secret.file('/run/secrets/hub-key')" },
  publicUrl: { value: "'https://hub.example.org'" },
  subdomainHost: { value: "'https://hub.example.org'" },
  tls: { value: "{ cert: '/etc/ssl/hub/fullchain.pem', key: '/etc/ssl/hub/privkey.pem' }" },
  redirectPort: { value: '80' },
  workers: { value: '2' },
};

function example(schema: z.ZodType): string {
  const fallback = defaultOf(schema);
  return fallback === undefined ? "'…'" : written(fallback);
}
