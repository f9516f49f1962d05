import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';

/*
 * What the linter cannot say. Each rule is a few lines; it gets a file's path (with slashes, from the root) and its
 * lines of code, and names the lines that break it.
 */

const SKIPPED = new Set(['node_modules', 'dist', 'artifacts', '.git', '.cache', '.atrium']);
const CODE = /\.(tsx?|mjs)$/;
const isTest = (path) => /\.test\.tsx?$|\/test-[^/]+\.ts$|\/src\/(.*\/)?testing\//.test(path);
const HUB = 'packages/hub/src/';

/** The folder of the hub that a file belongs to; undefined for the files that put the hub together. */
const featureOf = (path) => (path.startsWith(HUB) ? /^([^/]+)\//.exec(path.slice(HUB.length))?.[1] : undefined);

const matching = (pattern, message) => (lines) =>
  lines.flatMap((text, index) => (pattern.test(text) ? [{ line: index + 1, message }] : []));

const RULES = [
  {
    name: 'SQL only in *.repo.ts and db/',
    applies: (path) => path.startsWith(HUB) && !isTest(path) && !path.endsWith('.repo.ts') && featureOf(path) !== 'db',
    find: matching(
      /\.(selectFrom|insertInto|updateTable|deleteFrom|replaceInto|mergeInto)\(|\bsql`|^import (?!type\b).*'kysely'/,
      'a query belongs to the feature’s *.repo.ts',
    ),
  },
  {
    name: 'one feature reaches another only through its service',
    applies: (path) => featureOf(path) !== undefined && !isTest(path) && featureOf(path) !== 'db',
    find: (lines, path) =>
      lines.flatMap((text, index) => {
        const target = /from '(\.[^']*\.repo\.ts)'|import\('(\.[^']*\.repo\.ts)'\)/.exec(text);
        if (!target) return [];
        const owner = featureOf(posix.join(posix.dirname(path), target[1] ?? target[2]));
        if (owner === featureOf(path) || owner === 'db') return [];
        return [{ line: index + 1, message: `${owner} has a service; its repository is its own` }];
      }),
  },
  {
    name: 'only the command ends the process',
    applies: (path) => /^(packages|plugins)\//.test(path) && !path.startsWith('packages/atrium/') && !isTest(path),
    find: matching(/process\.exit\(/, 'throw, or dispose what you hold'),
  },
  {
    name: 'programs are started with an argument list',
    applies: (path) => !path.includes('house-rules'),
    find: matching(/(?<![.\w])exec(Sync)?\(|shell: true/, 'use execFile or spawn with an array'),
  },
];

/** A registry’s host in a file ties every clone to it. */
const REGISTRY = /registry\.npmjs\.|registry\.yarnpkg\.|pythonhosted\.|\bpypi\.org/;

/** Every file of the repository that is text of ours, as paths with slashes from `root`. */
function* filesUnder(root, dir = root) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (SKIPPED.has(entry.name)) continue;
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* filesUnder(root, path);
    else if (entry.isFile() && /\.(tsx?|mjs|js|json|md|txt|in|css|html|sh|yml|toml)$|(^|\/)\.[^/]+$|\/run$/.test(path))
      yield relative(root, path).split(sep).join('/');
  }
}

/** The lines of a file with comment lines emptied. */
const codeLines = (text) => text.split('\n').map((line) => (/^\s*(\/\/|\*|\/\*)/.test(line) ? '' : line));

/** What breaks a rule under `root`, one sentence each with its place. */
export function findViolations(root) {
  const found = [];
  for (const path of filesUnder(root)) {
    const text = readFileSync(join(root, path), 'utf8');
    if (path === 'package-lock.json' && /"resolved": "(https?|git)/.test(text))
      found.push(`${path}: names a registry; install with the repository's .npmrc`);
    if (path !== 'scripts/lib/house-rules.mjs' && REGISTRY.test(text)) found.push(`${path}: names a registry`);
    if (!CODE.test(path)) continue;
    const lines = codeLines(text);
    for (const rule of RULES) {
      if (!rule.applies(path)) continue;
      for (const { line, message } of rule.find(lines, path)) found.push(`${path}:${line}: ${rule.name}: ${message}`);
    }
  }
  return found;
}
