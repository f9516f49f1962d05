import { afterAll, beforeAll, describe, test } from 'vitest';
import { differenceOf } from './differences.ts';
import type { Kind } from './hub.ts';
import { type Hubs, startHubs } from './hubs.ts';
import { SECTIONS } from './sections.ts';
import type { RowTest } from './suite.ts';

const TO_START_MS = 240_000;
/** JupyterHub is here to prove the tests, and its own races on a busy machine say nothing about them; Atrium has one go. */
const PEER_RETRIES = 2;

/** Every row of the contract against one kind of hub. A row that is known not to hold there must go on not to hold. */
export function runContract(kind: Kind, python?: string): void {
  describe(`the wire contract, ${kind}`, () => {
    let hubs: Hubs;
    beforeAll(async () => {
      hubs = await startHubs(kind, python);
    }, TO_START_MS);
    afterAll(() => hubs?.[Symbol.asyncDispose](), TO_START_MS);

    const add = (name: string, row: RowTest) => {
      const difference = differenceOf(kind, row.ids);
      const title = `${name}: ${row.ids.join(' ')}${difference === undefined ? '' : ` (not so: ${difference})`}`;
      const options = {
        concurrent: !row.alone,
        fails: difference !== undefined,
        retry: kind === 'atrium' ? 0 : PEER_RETRIES,
      };
      test(title, options, () => row.run(hubs));
    };
    const all = (alone: boolean) =>
      SECTIONS.flatMap(({ name, tests }) =>
        tests.filter((row) => row.alone === alone).map((row) => [name, row] as const),
      );

    for (const [name, row] of [...all(false), ...all(true)]) add(name, row);
  });
}
