import { expect, test } from 'vitest';
import { commandPage, configPage } from './reference.ts';

const PAGES = '../../../docs/reference';

test('the reference of the configuration is what the schema says', async () => {
  await expect(configPage()).toMatchFileSnapshot(`${PAGES}/config.md`);
});

test('the reference of the command is what the commands say', async () => {
  await expect(commandPage()).toMatchFileSnapshot(`${PAGES}/command.md`);
});
