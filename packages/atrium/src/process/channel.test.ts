import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';

const CHANNEL = new URL('./channel.ts', import.meta.url).href;

/** A child that opens its channel when `after` lets it, and ends with 7 when the supervisor is gone. */
const childOf = (after: string) =>
  spawn(
    process.execPath,
    [
      '--conditions=atrium-source',
      '--input-type=module',
      '--eval',
      `${after}
const { openChannel } = await import('${CHANNEL}');
openChannel(() => {}, () => process.exit(7));
process.stdout.write('open');
setInterval(() => {}, 1_000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  );

test('a child ends when its supervisor goes', async () => {
  const child = childOf('');
  await once(child.stdout!, 'data');
  child.disconnect();
  expect(await once(child, 'exit')).toEqual([7, null]);
});

test('a child whose supervisor went while it still loaded ends too', async () => {
  const child = childOf("await new Promise((resolve) => process.once('disconnect', resolve));");
  child.disconnect();
  expect(await once(child, 'exit')).toEqual([7, null]);
});
