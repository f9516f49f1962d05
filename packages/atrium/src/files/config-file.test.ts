import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testCli } from '../testing/cli.ts';

test('what atrium init writes is complete and good, wherever it lies', async () => {
  await using cli = testCli();

  const wrote = await cli.run(['init']);
  const again = await cli.run(['init']);
  const checked = await cli.json('config', 'check');

  expect(wrote).toMatchObject({ code: 0, err: '' });
  expect(again).toMatchObject({ code: 1, out: '' });
  expect(checked).toEqual({ ok: true, file: join(cli.dir, 'atrium.config.ts'), problems: [] });
});

test('a configuration that does not even run is told with its line', async () => {
  await using cli = testCli('import { defineConfig, secret } from "atrium";\n\nthrow new Error("no luck");\n');

  const checked = await cli.run(['config', 'check']);

  expect(checked).toMatchObject({ code: 1, err: '', out: expect.stringContaining('no luck (line 3)') });

  writeFileSync(join(cli.dir, 'atrium.config.ts'), 'import "./not-there.ts";\n');
  const imports = await cli.run(['config', 'check']);

  // The place where we import the file would only mislead.
  expect(imports.out).toContain('not-there.ts');
  expect(imports.out).not.toContain('(line');
});

test('a secret that is not there is named, not read as nothing', async () => {
  await using cli = testCli(
    'import { defineConfig, secret } from "atrium";\nexport default defineConfig({ hubKey: secret.env("NOT_SET_1") });\n',
  );

  const { out } = await cli.run(['config', 'check']);

  expect(out).toContain("secret.env('NOT_SET_1'): the environment variable NOT_SET_1 is not set");
});

test('plug-ins of other people, with their own imports, may stand beside the file', async () => {
  await using cli = testCli('import config from "./more.ts";\nexport default config;\n');
  writeFileSync(
    join(cli.dir, 'more.ts'),
    `import { defineAuthenticator } from '@atrium/sdk';
     import { z } from 'zod';
     const own = defineAuthenticator({ id: 'own', config: z.strictObject({ realm: z.string() }), form: z.object({}),
       create: () => ({ authenticate: async () => null }) });
     export default { authenticator: own({ realm: 'here' }) };`,
  );

  const { settings } = await cli.json<{ settings: { path: string; value: unknown }[] }>('config', 'show');

  expect(settings).toContainEqual({ path: 'authenticator.realm', value: 'here', origin: 'file' });
});
