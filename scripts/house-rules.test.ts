import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findViolations } from './lib/house-rules.mjs';

async function violations(files: Record<string, string>): Promise<string[]> {
  const root = await mkdtemp(join(tmpdir(), 'atrium-rules-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return findViolations(root);
}

test.each([
  ['packages/hub/src/users/users.service.ts', "db.selectFrom('users')", 'SQL only in'],
  ['packages/hub/src/users/users.service.ts', "import { sql } from 'kysely';", 'SQL only in'],
  ['packages/hub/src/users/users.service.ts', "import { a } from '../tokens/tokens.repo.ts';", 'through its service'],
  ['packages/hub/src/oauth/authorize/a.ts', "const a = import('../../tokens/tokens.repo.ts');", 'through its service'],
  ['packages/proxy/src/a.ts', 'process.exit(1);', 'only the command ends the process'],
  ['packages/atrium/src/a.ts', "exec('ls ' + dir);", 'argument list'],
  ['plugins/spawner-process/src/a.ts', "spawn('ls', { shell: true });", 'argument list'],
  ['package-lock.json', '"resolved": "https://example.org/a.tgz"', 'names a registry'],
  ['docs/install.md', `npm install --registry https://registry.${'npmjs'}.org`, 'names a registry'],
])('%s with %s is refused', async (path, code, message) => {
  expect(await violations({ [path]: code })).toEqual([expect.stringContaining(message)]);
});

test('what the rules allow passes', async () => {
  const allowed = {
    'packages/hub/src/users/users.repo.ts': "import { sql } from 'kysely';\nexport const a = db.selectFrom('users');",
    'packages/hub/src/users/users.service.ts':
      "import type { Kysely } from 'kysely';\nimport { a } from './users.repo.ts';",
    'packages/hub/src/oauth/authorize/a.ts': "import { a } from '../oauth.repo.ts';",
    'packages/hub/src/context.ts': '// calls db.selectFrom( somewhere\nexport const found = /a/.exec(text);',
    'packages/atrium/src/main.ts': 'process.exit(2);',
  };

  expect(await violations(allowed)).toEqual([]);
});
