import type { Log } from '@atrium/sdk';
import { textOf } from './errors.ts';
import type { HubClient } from './hub/client.ts';
import type { Session } from './hub/protocol.ts';

export interface Step {
  percent: number;
  message: string;
  /** The start cannot go on, and why. */
  fault?: { class: string; code: string; message: string };
}

/** Tells the hub how far a start is, while the start goes on. */
export interface Story {
  say(percent: number, message: string): void;
  /** Resolves when everything said has been told. */
  told(): Promise<void>;
}

interface Teller {
  hub: HubClient;
  log: Log;
  signal: AbortSignal;
}

/** One call at a time, in order; what was said meanwhile goes with the next one. */
export function storyOf(teller: Teller, session: Session): Story {
  let waiting: Step[] = [];
  let telling: Promise<void> | undefined;
  const drain = async () => {
    while (waiting.length > 0) {
      const steps = waiting;
      waiting = [];
      await tell(teller, session, steps);
    }
    telling = undefined;
  };
  return {
    say(percent, message) {
      waiting.push({ percent, message });
      telling ??= drain();
    },
    told: async () => telling,
  };
}

/** For a start that the person has seen already. */
export const silent: Story = { say() {}, async told() {} };

/** Progress is worth one try: what comes next matters more than telling it. The last step counts, earlier ones are shown. */
export async function tell({ hub, log, signal }: Teller, session: Session, steps: readonly Step[]): Promise<void> {
  const [last, ...before] = steps.toReversed();
  if (!last) return;
  const earlier = before.reverse();
  await hub
    .once('step', { session: session.session, ...last, ...(earlier.length > 0 ? { earlier } : {}) }, signal)
    .catch((error) => log.warn({ step: last.message, error: textOf(error) }, 'a step could not be told to the hub'));
}
