import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The clone that this script is part of. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** What can be fetched or made again: never data. */
export const cacheDir = join(root, '.cache');
export const wheelsDir = join(cacheDir, 'wheels');
