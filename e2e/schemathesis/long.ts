import { parseArgs } from 'node:util';
import { fuzz, totalOf } from './run.ts';
import { type Role, startWorld } from './world.ts';

/*
 * More of the same than CI asks, with other cases every time:
 *   node --conditions=atrium-source e2e/schemathesis/long.ts --cases 50 [--seed N] [--role administrator]…
 */
const ROLES: readonly Role[] = ['administrator', 'person', 'instructor', 'service', 'visitor'];
const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    role: { type: 'string', multiple: true },
  },
});
const roles = ROLES.filter((role) => values.role === undefined || values.role.includes(role));

await using world = await startWorld();
for (const role of roles) {
  const more = ['--phases=coverage,fuzzing', '--exclude-path=/shutdown'];
  const { code, out, answers } = await fuzz(world, {
    role,
    seed: Number(values.seed),
    cases: Number(values.cases),
    more,
  });
  console.log(`${role}: ${totalOf(answers)} cases, seed ${values.seed}: ${code === 0 ? 'as described' : `\n${out}`}`);
  if (code !== 0) process.exitCode = 1;
}
