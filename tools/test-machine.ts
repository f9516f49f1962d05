import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findChromium, findPostgres, findTestPython } from '../scripts/lib/machine.mjs';
import { findPebble } from '../scripts/lib/pebble.mjs';
import { findServicePackages } from '../scripts/lib/service-packages.mjs';

/*
 * What a test needs of the machine, or undefined when the machine lacks it: then the test says so and counts as skipped.
 * `npm test` fetches all of it and hands it over in the environment; a plain `npx vitest run` takes what is there.
 */

/** The folder of a Python environment with JupyterHub 6.1, JupyterLab, Notebook and ipykernel. */
export const testPython = (): string | undefined => process.env.ATRIUM_TEST_PYTHON || findTestPython('current');

/** The same with JupyterHub 5.5. */
export const testPython5 = (): string | undefined => process.env.ATRIUM_TEST_PYTHON_5 || findTestPython('previous');

/** A folder for PYTHONPATH with what services of the tests need: jupyterhub-idle-culler, Flask, nbgrader; and schemathesis. */
export const testServicePackages = (): string | undefined =>
  process.env.ATRIUM_TEST_SERVICE_PACKAGES || findServicePackages();

/** The folder with PostgreSQL's `initdb` and `postgres`. Most tests want `testDatabase()` instead. */
export const testPostgres = (): string | undefined => process.env.ATRIUM_TEST_POSTGRES_BIN || findPostgres();

/** The path of a Chromium. As root it needs `--no-sandbox`. */
export const testChromium = (): string | undefined => process.env.ATRIUM_TEST_CHROMIUM || findChromium();

/** The folder with the programs of Pebble, an ACME authority for tests; `startPebble()` runs them. */
export const testPebble = (): string | undefined => process.env.ATRIUM_TEST_PEBBLE || findPebble();

const packagesWith = (name: string): string | undefined => {
  const dir = testServicePackages();
  return dir !== undefined && existsSync(join(dir, name)) ? dir : undefined;
};

/** The same folder where it has nbgrader: only with Python 3.11 or later. */
export const nbgraderPackages = (): string | undefined => packagesWith('nbgrader');

/** The same folder where it has schemathesis: only with Python 3.11 or later. */
export const schemathesisPackages = (): string | undefined => packagesWith('schemathesis');
