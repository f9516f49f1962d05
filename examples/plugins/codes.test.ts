import { type PluginContext, Secret } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { codes } from './codes.ts';

test('each name has a code of its own', async () => {
  const plugin = codes({ codes: { ada: new Secret('7-blue-lamps'), bob: new Secret('3-red-doors') } });
  // This plug-in keeps nothing and calls nothing: it needs no context.
  const { authenticate } = await plugin.create(plugin.config.parse(plugin.options), {} as PluginContext);
  const signIn = (username: string, password: string) => authenticate({ username, password }, { ip: '127.0.0.1' });

  expect(await signIn('ada', '7-blue-lamps')).toEqual({ name: 'ada', groups: ['on-paper'] });
  expect(await signIn('ada', '3-red-doors')).toBeNull();
  expect(await signIn('constructor', '7-blue-lamps')).toBeNull();
});
