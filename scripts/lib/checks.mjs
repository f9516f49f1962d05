import { join } from 'node:path';
import { isFresh } from './boundaries.mjs';
import { findViolations } from './house-rules.mjs';
import { become } from './launch.mjs';
import { root } from './root.mjs';

const tool = (path, ...args) => become(process.execPath, [join(root, 'node_modules', path), ...args], { cwd: root });

const CHECKS = [
  {
    name: 'boundaries',
    run: () => (isFresh() ? [] : ['biome.json does not match scripts/lib/boundaries.mjs. Run: npm run fix']),
  },
  { name: 'house rules', run: () => findViolations(root) },
  {
    name: 'format, lint, imports',
    run: () => tool('@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '--max-diagnostics=100', '.'),
  },
  { name: 'types', run: () => tool('typescript/bin/tsc', '-p', 'tsconfig.json') },
  {
    name: 'types of the administration page',
    run: () => tool('typescript/bin/tsc', '-p', 'packages/admin/tsconfig.json'),
  },
];

/** Runs every check, also after one failed; says what is wrong. Gives the number that passed and that failed, and their names. */
export async function runChecks() {
  const failures = [];
  for (const { name, run } of CHECKS) {
    const result = await run(); // complaints, or a tool's exit status (it has complained itself)
    const ok = Array.isArray(result) ? result.length === 0 : result === 0;
    if (Array.isArray(result)) for (const complaint of result) process.stdout.write(`${complaint}\n`);
    process.stdout.write(`${ok ? 'ok' : 'FAILED'}: ${name}\n`);
    if (!ok) failures.push(name);
  }
  return { passed: CHECKS.length - failures.length, failed: failures.length, failures };
}
