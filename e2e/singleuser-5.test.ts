import { expect, test } from 'vitest';
import { testChromium, testPython5 } from '../tools/test-machine.ts';
import { createFirstAdmin, firstAdminLink, startChromium, testCli } from './lib/hub.ts';
import { newNotebook, runCell } from './lib/lab.ts';

const CONFIG = `
import { defineConfig, processSpawner } from 'atrium';
export default defineConfig({ port: 0, spawner: processSpawner({ python: ${JSON.stringify(testPython5() ?? '')} }) });
`;

test.skipIf(!testChromium() || !testPython5())('jupyterhub-singleuser 5.5 works unmodified', async () => {
  await using cli = testCli(CONFIG);
  const up = await cli.up();
  await using browser = await startChromium();
  const { page } = await browser.person();
  await createFirstAdmin(page, await firstAdminLink(up), 'ada', 'quiet lanterns over the river');

  await page.getByRole('button', { name: 'Start my server' }).click();
  await page.waitForURL(/\/user\/ada\/lab/, { timeout: 90_000 });
  await newNotebook(page);

  expect(await runCell(page, 'import jupyterhub; print(jupyterhub.__version__[:3], 1 + 1)')).toBe('5.5 2');
});
