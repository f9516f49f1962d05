import { readFileSync } from 'node:fs';

/** Atrium's own version; all packages carry the same. */
export const VERSION: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
