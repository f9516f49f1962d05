import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';

/*
 * Who may import whom (ARCHITECTURE.md). npm hoists, so an import that is not declared still resolves: only the linter
 * keeps the planes apart. Biome merges overrides by replacing a rule's options, so each folder gets exactly one list,
 * and that is why it is generated.
 */
const MAY_IMPORT = {
  sdk: [],
  acme: ['sdk'],
  proxy: ['acme', 'sdk'],
  hub: ['acme', 'sdk'],
  agent: ['sdk'],
  cluster: ['sdk'],
  /** Types only: it runs in a browser. */
  admin: ['hub'],
  plugins: ['sdk'],
};
/** The command wires everything together. */
const MAY_IMPORT_EVERYTHING = ['atrium'];
/** Folders that may import anything and that nobody imports. */
const LEAVES = ['e2e', 'bench', 'tools', 'examples'];
/** Tests and the helpers beside them. */
const TESTS = ['**/*.test.ts', '**/*.test.tsx', '**/src/testing/**', '**/test-*.ts'];
const NOT_TESTS = TESTS.map((glob) => `!${glob}`);

/** Everybody else is handed a configuration. */
const MAY_READ_ENVIRONMENT = [
  'packages/hub/src/config',
  'packages/atrium',
  'packages/proxy/src/cli',
  'scripts',
  ...LEAVES,
];

const biomePath = join(root, 'biome.json');

const foldersIn = (parent) =>
  readdirSync(join(root, parent))
    .filter((name) => existsSync(join(root, parent, name, 'package.json')))
    .sort();

/** Each workspace package: its folder, its name, and the packages it may import. */
function packages() {
  const inPackages = foldersIn('packages').map((name) => ({
    dir: `packages/${name}`,
    short: name,
    allowed: MAY_IMPORT[name],
  }));
  const inPlugins = foldersIn('plugins').map((name) => ({
    dir: `plugins/${name}`,
    short: name,
    allowed: MAY_IMPORT.plugins,
  }));
  const unlisted = inPackages.find(({ short, allowed }) => !allowed && !MAY_IMPORT_EVERYTHING.includes(short));
  if (unlisted) throw new Error(`${unlisted.dir} is not in the table of scripts/lib/boundaries.mjs`);
  return [...inPackages, ...inPlugins].map((one) => ({
    ...one,
    name: JSON.parse(readFileSync(join(root, one.dir, 'package.json'), 'utf8')).name,
  }));
}

/** The part of biome.json that this table makes. */
export function overrides() {
  const all = packages();
  const fences = all.map(({ dir, short, allowed }) => {
    const free = MAY_IMPORT_EVERYTHING.includes(short);
    const others = free ? [] : all.filter((other) => other.dir !== dir && !allowed.includes(other.short));
    const may = allowed?.length ? `only ${allowed.join(', ')}` : 'nothing of ours';
    const patterns = [];
    if (others.length > 0)
      patterns.push({
        // By name, and by a path that leaves the package.
        group: others.flatMap((other) => [other.name, `${other.name}/**`, `**/${other.short}/src/**`]),
        message: `${dir} may import ${may}. See the table in ARCHITECTURE.md.`,
      });
    patterns.push({
      group: LEAVES.map((leaf) => `**/../${leaf}/**`),
      message: 'Nothing that ships may import tools, tests, benchmarks or examples.',
    });
    return {
      includes: [`${dir}/src/**`, ...NOT_TESTS],
      linter: { rules: { style: { noRestrictedImports: { level: 'error', options: { patterns } } } } },
    };
  });
  const environment = {
    includes: ['**', ...NOT_TESTS, '!*.ts', ...MAY_READ_ENVIRONMENT.map((dir) => `!${dir}/**`)],
    linter: { rules: { style: { noProcessEnv: 'error' } } },
  };
  const unfenced = {
    includes: [...TESTS, ...LEAVES.map((leaf) => `${leaf}/**`), 'scripts/**', '*.ts'],
    linter: { rules: { correctness: { noUndeclaredDependencies: 'off' } } },
  };
  return [...fences, environment, unfenced];
}

const read = () => JSON.parse(readFileSync(biomePath, 'utf8'));

export const isFresh = () => JSON.stringify(read().overrides) === JSON.stringify(overrides());

/** Rewrites `overrides` in biome.json; the formatter gives it its look. */
export function update() {
  if (!isFresh()) writeFileSync(biomePath, `${JSON.stringify({ ...read(), overrides: overrides() }, null, 2)}\n`);
}
