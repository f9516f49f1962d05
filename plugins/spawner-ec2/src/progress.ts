import type { ProgressStep } from '@atrium/sdk';

/** What each start has told so far; a hub that starts anew tells from where it is. */
export interface ProgressBook {
  /** Adds a line unless it is the last one already, and answers all of this start. */
  say(server: string, generation: number, step: ProgressStep): readonly ProgressStep[];
  soFar(server: string, generation: number): readonly ProgressStep[];
  forget(server: string): void;
}

export function progressBook(): ProgressBook {
  const book = new Map<string, { generation: number; steps: ProgressStep[] }>();
  return {
    say(server, generation, step) {
      let page = book.get(server);
      if (page?.generation !== generation) {
        page = { generation, steps: [] };
        book.set(server, page);
      }
      const last = page.steps.at(-1);
      if (last?.message !== step.message) {
        // What is told never seems to go back.
        page.steps.push({ ...step, percent: Math.max(step.percent, last?.percent ?? 0) });
      }
      return [...page.steps];
    },
    soFar(server, generation) {
      const page = book.get(server);
      return page?.generation === generation ? [...page.steps] : [];
    },
    forget: (server) => void book.delete(server),
  };
}
