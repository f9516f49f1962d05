import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { ensureAdminPage } from './lib/admin-page.mjs';
import { runChecks } from './lib/checks.mjs';
import { become, runScript } from './lib/launch.mjs';
import { ensureChromium, ensurePostgres, ensureTestPythons } from './lib/machine.mjs';
import { ensureNode } from './lib/node.mjs';
import { ensurePackages } from './lib/npm.mjs';
import { ensurePebble } from './lib/pebble.mjs';
import { add, countResults, summary } from './lib/results.mjs';
import { cacheDir, root } from './lib/root.mjs';
import { ensureServicePackages } from './lib/service-packages.mjs';

/**
 * On two cores vitest would take one worker, and much of a test is waiting for programs that it started. Tests in which
 * the moment counts have the machine for themselves, one after the other.
 */
const WORKERS = {
  unit: [`--maxWorkers=${Math.max(2, availableParallelism() - 1)}`],
  contracts: ['--maxWorkers=2'],
  e2e: ['--no-file-parallelism'],
};

/** `npm test [-- part of a file name …]`: fetches what the tests need, then checks, unit tests, contracts and end-to-end tests. */
await runScript(async () => {
  const filters = process.argv.slice(2);
  const node = await ensureNode();
  await ensurePackages({ dev: true });
  await ensureAdminPage(root, node);
  const { python, python5 } = await ensureTestPythons();
  // A minute of compiling, beside what is mostly waiting for the network.
  const building = ensurePebble(python);
  // Awaited below, where it says what is wrong.
  building.catch(() => {});
  const servicePackages = await ensureServicePackages(python);
  const postgres = await ensurePostgres();
  const chromium = await ensureChromium();
  const pebble = await building;
  if (!postgres)
    process.stdout.write('No PostgreSQL: tests that need one are skipped. Install it, or run as root on Debian.\n');
  if (!pebble)
    process.stdout.write(
      'No Pebble: tests of certificates by ACME are skipped. tools/pebble/README.md says what it needs.\n',
    );
  if (!chromium) process.stdout.write('No Chromium: browser tests are skipped. Install Chromium or Chrome.\n');

  const env = {
    ...process.env,
    PATH: `${dirname(node)}${delimiter}${process.env.PATH}`,
    ATRIUM_TEST_PYTHON: python,
    ATRIUM_TEST_PYTHON_5: python5,
    ATRIUM_TEST_SERVICE_PACKAGES: servicePackages,
    ATRIUM_TEST_POSTGRES_BIN: postgres ?? '',
    ATRIUM_TEST_CHROMIUM: chromium ?? '',
    ATRIUM_TEST_PEBBLE: pebble ?? '',
  };
  let total = { passed: 0, failed: 0, skipped: 0, failures: [] };
  // A filter asks for some tests, not for an opinion on the whole tree.
  if (filters.length === 0) total = add(total, await runChecks());
  for (const project of Object.keys(WORKERS)) total = add(total, await runProject(node, project, filters, env));

  // Again at the end: between a failure and the last line may be an hour of output.
  for (const failure of total.failures) process.stdout.write(`failed: ${failure}\n`);
  const mustBeComplete = process.env.CI === 'true' && total.skipped > 0;
  if (mustBeComplete) process.stdout.write('In CI a skipped test is a failure.\n');
  process.stdout.write(`${summary(total)}\n`);
  return total.failed > 0 || mustBeComplete ? 1 : 0;
});

async function runProject(node, project, filters, env) {
  const report = join(cacheDir, 'test-results', `${project}.json`);
  mkdirSync(dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const args = [
    vitest,
    'run',
    '--project',
    project,
    '--passWithNoTests',
    ...WORKERS[project],
    ...reporters,
    ...filters,
  ];
  const exitCode = await become(node, args, { env, cwd: root });
  return countResults(report, exitCode);
}
