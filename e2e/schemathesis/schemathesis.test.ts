import { expect, test } from 'vitest';
import { apiClient } from '../lib/api-client.ts';
import { canFuzz, type FuzzOptions, fuzz, totalOf } from './run.ts';
import { startWorld } from './world.ts';

const SEED = 20_261_121;
const LONG = 1_200_000;

/** At the borders of every schema for who may do everything and for a person; at random for everybody. */
const RUNS: readonly Omit<FuzzOptions, 'seed'>[] = [
  { role: 'administrator', cases: 3, more: ['--phases=coverage,fuzzing'] },
  { role: 'person', cases: 1, more: ['--phases=coverage,fuzzing'] },
  { role: 'instructor', cases: 2, more: ['--phases=fuzzing'] },
  { role: 'service', cases: 2, more: ['--phases=fuzzing'] },
  { role: 'visitor', cases: 2, more: ['--phases=fuzzing'] },
];

test.skipIf(!canFuzz())(
  'whatever schemathesis asks, in five roles, is answered as described',
  { timeout: LONG },
  async () => {
    await using world = await startWorld();
    const { up, tokens } = world;

    const results = await Promise.all(
      RUNS.map((run) => fuzz(world, { ...run, seed: SEED, more: [...(run.more ?? []), '--exclude-path=/shutdown'] })),
    );

    for (const [at, { code, out }] of results.entries()) expect(code, `${RUNS[at]?.role}: ${out}`).toBe(0);
    expect(results.map(({ answers }) => totalOf(answers)).reduce((sum, each) => sum + each)).toBeGreaterThan(5_000);
    // It was not all refused for nothing: an administrator got most things done, and everybody is still there.
    const done = Object.values(results[0]?.answers ?? {}).filter((by) =>
      Object.keys(by).some((status) => status < '400'),
    );
    expect(done.length).toBeGreaterThan(60);
    for (const token of Object.values(tokens)) expect((await apiClient(up, token)('GET', '/user')).status).toBe(200);

    // The hub's end, last of all: only what schemathesis must not ask twice is asked by hand.
    for (const body of [{ servers: 1 }, { proxy: 'yes' }, [], 'now']) {
      expect((await world.api('POST', '/shutdown', body)).status, JSON.stringify(body)).toBe(400);
    }
    // Checks that ask again would find nobody.
    const checks = 'status_code_conformance,content_type_conformance,response_schema_conformance,not_a_server_error';
    const more = ['--include-path=/shutdown', '--phases=fuzzing', '--mode=positive', `--checks=${checks}`];
    const ended = await fuzz(world, { role: 'administrator', cases: 1, seed: SEED, more });
    expect([ended.code, ended.answers], ended.out).toEqual([0, { 'POST /shutdown': { 202: 1 } }]);
    await expect.poll(() => up.process.exitCode, { timeout: 60_000 }).toBe(0);
  },
);
