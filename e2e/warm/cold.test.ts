import { expect, test } from 'vitest';
import { testPython } from '../../tools/test-machine.ts';
import { openKernel } from '../lib/kernel.ts';
import { warmOf } from './warmth.ts';
import { startWorld } from './world.ts';

test.skipIf(process.platform !== 'linux' || !testPython())(
  "start: 'cold': a server answers, runs a cell and counts as cold, and nothing is loaded before",
  { timeout: 180_000 },
  async () => {
    await using world = await startWorld();
    await world.serve({ start: 'cold', python: testPython()! });

    await world.begin('ada');
    await using kernel = await openKernel(new URL('user/ada/', world.up.url), world.token);

    expect(await kernel.run('print(6 * 7)')).toBe('42');
    expect(await warmOf(world.cli)).toMatchObject({
      setting: 'cold',
      templates: [],
      starts: { warm: 0, cold: { off: 1 } },
      off: { reason: 'off' },
    });
  },
);
