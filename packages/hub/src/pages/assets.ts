import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const TYPES = { css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8', svg: 'image/svg+xml' } as const;

export const ASSET_NAMES = ['atrium.css', 'theme.js', 'page.js', 'progress.js', 'logo.svg'] as const;
export type AssetName = (typeof ASSET_NAMES)[number];

/** A file the pages refer to. `version` changes with its content, so browsers may keep it for ever. */
export interface Asset {
  readonly body: string;
  readonly type: string;
  readonly version: string;
}

export function makeAsset(name: string, body: string): Asset {
  const type = TYPES[name.slice(name.lastIndexOf('.') + 1) as keyof typeof TYPES];
  return { body, type, version: createHash('sha256').update(body).digest('hex').slice(0, 10) };
}

// Beside `src` and `dist`, so that the published package finds the same files.
const FOLDER = new URL('../../static/', import.meta.url);
const loaded = new Map<AssetName, Asset>();

/** Reads a file of the package's `static` folder once. */
export function asset(name: AssetName): Asset {
  const known = loaded.get(name) ?? makeAsset(name, readFileSync(new URL(name, FOLDER), 'utf8'));
  loaded.set(name, known);
  return known;
}
