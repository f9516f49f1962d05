import { expect, test } from 'vitest';
import { chaos } from './chaos/rounds.ts';
import { summary } from './chaos/summary.ts';

/** `CHAOS_SEED` repeats what a run's output names; `CHAOS_ROUNDS` asks for more of them. */
const seed = Number(process.env.CHAOS_SEED) || Math.floor(Date.now() / 1000);
const rounds = Number(process.env.CHAOS_ROUNDS) || 60;
/** One round may wait for a machine that is slow to boot, and this machine may be busy. */
const MS_PER_ROUND = 8_000;

test.skipIf(process.platform !== 'linux')(
  `a hub killed in ${rounds} stories of starts and stops makes no machine twice, loses no home, leaves nothing behind`,
  { timeout: rounds * MS_PER_ROUND + 60_000 },
  async () => {
    console.log(`CHAOS_SEED=${seed}`);
    const result = await chaos({ rounds, seed, sample: true });
    console.log(summary(result));

    expect(result.failed).toEqual([]);
    expect(result.rounds).toBeGreaterThanOrEqual(rounds);
    // Else nothing was tried.
    expect(new Set(result.kills.map(({ place }) => place)).size).toBeGreaterThan(1);
    expect(result.machines).toBeGreaterThan(0);
  },
);
