/** The folder with `initdb` and `postgres`: the machine's, else one fetched before. */
export function findPostgres(): string | undefined;

/** A Chromium or Chrome that the browser tests can drive. */
export function findChromium(): string | undefined;

/** The folder of a complete Python environment: JupyterHub 6.1, or the one before (5.5). */
export function findTestPython(which?: 'current' | 'previous'): string | undefined;
