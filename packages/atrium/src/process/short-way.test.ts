import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const SHORT_WAY = new URL('short-way.ts', import.meta.url).href;

test('modules of others are what they would be without it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'atrium short#way-'));
  const files: Record<string, string> = {
    'node_modules/kysely/package.json': '{}',
    'node_modules/kysely/dist/cjs/index.js': "module.exports = require('./inner.js');",
    'node_modules/kysely/dist/cjs/inner.js': 'module.exports = { old: true };',
    'node_modules/zod/package.json': '{"type":"module"}',
    'node_modules/zod/v4/index.js': "export { value } from './inner.js';",
    'node_modules/zod/v4/inner.js': 'export const value = 4;',
    'main.mjs': `import old from './node_modules/kysely/dist/cjs/index.js';
import { value } from './node_modules/zod/v4/index.js';
const missing = await import('./node_modules/zod/v4/missing.js').catch((error) => error.code);
console.log(JSON.stringify({ old, value, missing }));`,
  };
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
    }
    // A program that watches what is loaded, as monitoring does, makes Node believe what it is told of a format.
    const watcher = 'data:text/javascript,import{registerHooks}from"node:module";registerHooks({load:(u,c,n)=>n(u,c)})';
    const told = async (...loaded: string[]) => {
      const args = [...loaded.flatMap((url) => ['--import', url]), join(dir, 'main.mjs')];
      const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH: process.env.PATH } });
      return JSON.parse(stdout) as unknown;
    };
    const usual = { old: { old: true }, value: 4, missing: 'ERR_MODULE_NOT_FOUND' };
    expect(await told()).toEqual(usual);
    expect(await told(SHORT_WAY)).toEqual(usual);
    expect(await told(watcher, SHORT_WAY)).toEqual(usual);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
