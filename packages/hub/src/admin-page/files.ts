import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

export const ADMIN_FILES = ['admin.js', 'admin.css'] as const;
export type AdminFile = (typeof ADMIN_FILES)[number];

const TYPES: Record<AdminFile, string> = {
  'admin.js': 'text/javascript; charset=utf-8',
  'admin.css': 'text/css; charset=utf-8',
};

/** A file of the built page, ready to be sent either way. */
export interface BuiltFile {
  readonly body: Buffer;
  readonly gzipped: Buffer;
  readonly type: string;
  /** Changes with its content, so browsers may keep it for ever. */
  readonly version: string;
}

// Where packages/admin is built to: beside `src` and `dist`, so that the published package finds the same files.
const FOLDER = new URL('../../static/admin/', import.meta.url);

/** What packages/admin was built to; undefined in a clone where nobody has built it yet. */
export function readBuiltPage(folder: URL = FOLDER): Record<AdminFile, BuiltFile> | undefined {
  try {
    const read = (name: AdminFile): BuiltFile => {
      const body = readFileSync(new URL(name, folder));
      const version = createHash('sha256').update(body).digest('hex').slice(0, 10);
      return { body, gzipped: gzipSync(body), type: TYPES[name], version };
    };
    return { 'admin.js': read('admin.js'), 'admin.css': read('admin.css') };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}
