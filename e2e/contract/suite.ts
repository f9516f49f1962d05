import type { Hubs } from './hubs.ts';

/** One test of the contract: the rows it proves, and how, on whichever hub. */
export interface RowTest {
  readonly ids: readonly string[];
  /** Changes what others look at, so it runs alone, after all that run side by side. */
  readonly alone: boolean;
  run(hubs: Hubs): Promise<void>;
}

/** The tests of one section of the contract. */
export interface Section {
  readonly name: string;
  readonly tests: readonly RowTest[];
}

type Add = (ids: string | readonly string[], run: (hubs: Hubs) => Promise<void>) => void;

/** Gathers tests; they are run once for every hub (`run.ts`) and compared with the list of rows (`rows.test.ts`). */
export function section(name: string, fill: (row: Add, alone: Add) => void): Section {
  const tests: RowTest[] = [];
  const add =
    (alone: boolean): Add =>
    (ids, run) => {
      tests.push({ ids: [ids].flat(), alone, run });
    };
  fill(add(false), add(true));
  return { name, tests };
}
