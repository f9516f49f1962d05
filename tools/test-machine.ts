import { findChromium, findPostgres, findTestPython } from '../scripts/lib/machine.mjs';

/*
 * What a test needs of the machine, or undefined when the machine lacks it: then the test says so and counts as skipped.
 * `npm test` fetches all of it and hands it over in the environment; a plain `npx vitest run` takes what is there.
 */

/** The folder of a Python environment with JupyterHub 6.1, JupyterLab, Notebook and ipykernel. */
export const testPython = (): string | undefined => process.env.ATRIUM_TEST_PYTHON || findTestPython('current');

/** The same with JupyterHub 5.5. */
export const testPython5 = (): string | undefined => process.env.ATRIUM_TEST_PYTHON_5 || findTestPython('previous');

/** The folder with PostgreSQL's `initdb` and `postgres`. Most tests want `testDatabase()` instead. */
export const testPostgres = (): string | undefined => process.env.ATRIUM_TEST_POSTGRES_BIN || findPostgres();

/** The path of a Chromium. As root it needs `--no-sandbox`. */
export const testChromium = (): string | undefined => process.env.ATRIUM_TEST_CHROMIUM || findChromium();
