import { expect, test } from 'vitest';
import { z } from 'zod';
import { helperServer } from './helper-server.ts';

test('the helper is idle once everything that a dead hub asked for is done, also what failed', async () => {
  const door = Promise.withResolvers<void>();
  const open = { input: z.null(), run: () => door.promise };
  const fail = { input: z.null(), run: () => door.promise.then(() => Promise.reject(new Error('no'))) };
  const settings = { dataDir: '/d', runDir: '/r', hubUid: 1, hubGid: 1 };
  const helper = helperServer([{ id: 'doors', verbs: { open, fail } }], settings);
  helper.identify('hub');
  const done: string[] = [];

  const asked = ['open', 'fail'].map((verb) => helper.answer('doors', verb, null).then(() => done.push(verb)));
  const idle = helper.idle().then(() => done.push('idle'));
  door.resolve();
  await Promise.all([...asked, idle]);

  expect(done.at(-1)).toBe('idle');
  await helper.idle();
});
