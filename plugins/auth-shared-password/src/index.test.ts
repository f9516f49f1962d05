import { type Authenticator, type PluginContext, Secret } from '@atrium/sdk';
import { expect, test } from 'vitest';
import { sharedPassword } from './index.ts';

const request = { ip: '127.0.0.1' };

async function workshop(): Promise<Authenticator> {
  const plugin = sharedPassword({ password: new Secret('let us begin'), staff: { Prof: new Secret('chalk') } });
  // This plug-in keeps nothing and calls nothing: it needs no context.
  return plugin.create(plugin.config.parse(plugin.options), {} as PluginContext);
}

test('everybody signs in with the password of the room, under the name they give', async () => {
  const { authenticate } = await workshop();

  expect(await authenticate({ username: 'ada', password: 'let us begin' }, request)).toEqual({
    name: 'ada',
    shared: true,
  });
  expect(await authenticate({ username: 'ada', password: 'let us end' }, request)).toBeNull();
  expect(await authenticate({ username: 'ada', password: '' }, request)).toBeNull();
});

test('staff need their own password, however their name is written', async () => {
  const { authenticate } = await workshop();

  for (const username of ['prof', 'Prof', 'PROF']) {
    expect(await authenticate({ username, password: 'let us begin' }, request)).toBeNull();
    expect(await authenticate({ username, password: 'chalk' }, request)).toEqual({ name: username, admin: true });
  }
});

test('names of built-in properties are names like any other', async () => {
  const { authenticate } = await workshop();

  expect(await authenticate({ username: '__proto__', password: 'let us begin' }, request)).toMatchObject({
    shared: true,
  });
  expect(await authenticate({ username: 'constructor', password: 'chalk' }, request)).toBeNull();
});

test('a password written as plain text is refused when the configuration is read', () => {
  const plugin = sharedPassword({ password: 'let us begin' } as never);

  expect(plugin.config.safeParse(plugin.options).success).toBe(false);
});
