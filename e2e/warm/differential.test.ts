import { describe, expect, test } from 'vitest';
import { readablePython } from '../../tools/ec2-sim/src/runner/readable-python.ts';
import { testPython } from '../../tools/test-machine.ts';
import { ALLOWED } from './allowed.ts';
import { chancesOf, type Difference, differences, type Flat, isAllowed, normalised } from './compare.ts';
import { type AllFacts, factsOf, installProbe } from './probing.ts';
import { expectStart } from './warmth.ts';
import { startWorld, type World } from './world.ts';

const MINUTE = 60_000;
/** The issue's own number: more than these, and somebody can tell. */
const MOST_ALLOWED = 8;

/** One start of ada's server: what it says about itself. */
interface Look {
  facts: AllFacts;
  flat: Flat;
}

const isRoot = process.getuid?.() === 0;
const linux = process.platform === 'linux';

test('no more differences are allowed than were agreed, and each says why', () => {
  expect(ALLOWED.length).toBeLessThanOrEqual(MOST_ALLOWED);
  for (const { cause, harmless } of ALLOWED) expect([cause, harmless]).not.toContain('');
});

describe.each([
  ['of this account', 'this account', testPython(), ''],
  ['of this account without namespaces', 'this account', testPython(), "isolation: 'none'"],
  ['of a hub that is not root', 'ordinary', readablePython(), "isolation: 'none'"],
] as const)('a cold and a warm server %s', (_, as, python, more) => {
  test.skipIf(!linux || !python || (as === 'ordinary' && !isRoot))(
    'cannot be told apart',
    // What happens to be open or under way at one moment may differ once; what can be told apart differs each time.
    { timeout: 8 * MINUTE, retry: 1 },
    async () => {
      await using world = await startWorld(as);
      await world.serve({ start: 'cold', python: python!, more });
      // The first start makes the home and the files in it that later ones find.
      await world.begin('ada');
      installProbe(world.home('ada'));
      await world.end('ada');
      await look(world, 'cold');

      const cold = [await look(world, 'cold'), await look(world, 'cold')] as const;
      await world.serve({ start: 'warm', python: python!, more });
      const warm = [await look(world, 'warm'), await look(world, 'warm')] as const;

      // The comparison itself: between two servers of a kind there is nothing.
      expect.soft(shown(differences(cold[0].flat, cold[1].flat)), 'cold and cold').toEqual([]);
      expect.soft(shown(differences(warm[0].flat, warm[1].flat)), 'warm and warm').toEqual([]);
      const found = differences(cold[1].flat, warm[1].flat);
      const refused = found.filter((one) => !isAllowed(ALLOWED, one));
      expect.soft(shown(refused), 'cold and warm').toEqual([]);
      const chances = [...cold, ...warm].map(({ facts }) => chancesOf(facts));
      expect(chances[0]?.size).toBeGreaterThan(0);
      for (const key of chances[0]?.keys() ?? []) {
        const drawn = chances.map((each) => each.get(key));
        expect(new Set(drawn).size, `${key} ${drawn.join(' ')}`).toBe(drawn.length);
      }
    },
  );
});

async function look(world: World, start: 'warm' | 'cold'): Promise<Look> {
  const server = await world.begin('ada');
  await expectStart(world, server, start);
  const facts = await factsOf(world, server);
  // A cold kernel is the server's own child.
  const { parent } = facts.kernel.account;
  expect(parent === facts.server.account.pid ? 'cold' : 'warm', 'the kernel').toBe(start);
  await world.end('ada');
  return { facts, flat: normalised(facts, server) };
}

/** Short enough for a test's message. */
function shown(found: readonly Difference[]): string[] {
  const short = (value: unknown) => (JSON.stringify(value) ?? 'none').slice(0, 600);
  return found.map(({ key, one, other }) => `${key}: ${short(one)} ↔ ${short(other)}`);
}
