import { parseArgs } from 'node:util';
import { chance } from '../lib/chance.ts';
import { chaos } from './chaos/rounds.ts';
import { summary } from './chaos/summary.ts';

/**
 * Kills hubs for as long as asked: `node --conditions=atrium-source e2e/ec2/chaos.ts --rounds 1000 --seed 7`.
 * Ends with 1 when anything was wrong.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    only: { type: 'string' },
    sample: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    quiet: { type: 'boolean', default: false },
  },
});
const seed = values.seed ? Number(values.seed) : chance().seed;
process.stdout.write(`seed ${seed}\n`);
const result = await chaos({
  rounds: Number(values.rounds),
  seed,
  sample: values.sample,
  ...(values.only && { only: values.only }),
  ...(values.minutes && { within: Number(values.minutes) * 60_000 }),
  ...(!values.quiet && { say: (line) => process.stdout.write(`${line}\n`) }),
});
process.stdout.write(`${summary(result)}\n`);
process.exitCode = result.failed.length > 0 ? 1 : 0;
