import type { Exit, Fault } from '@atrium/sdk';
import { SpawnFault } from '@atrium/sdk';

const fault = (code: string, message: string, advice: string): Fault => ({ class: 'transient', code, message, advice });

/** `90 seconds`, `5 minutes`. */
function inWords(seconds: number): string {
  const minutes = seconds / 60;
  return Number.isInteger(minutes) && minutes > 1 ? `${minutes} minutes` : `${seconds} seconds`;
}

/** The spawner did not bring it up within `start.timeout`. Seconds. */
export function startTimedOut(seconds: number): Fault {
  return fault(
    'start_timeout',
    `Your server did not start within ${inWords(seconds)}. Nothing was lost.`,
    'Try again. If it happens again, tell your administrator: the machine may be overloaded.',
  );
}

/** It runs but does not answer HTTP within `start.answerTimeout`. Seconds. */
export function answerTimedOut(seconds: number): Fault {
  return fault(
    'answer_timeout',
    `Your server runs but did not answer within ${inWords(seconds)}, so it was stopped. Nothing was lost.`,
    'Try again. If it happens again, look at the log below.',
  );
}

/** It ended before it was ready, and the spawner knows no better reason. */
export function exitedEarly(exit: Exit | undefined): Fault {
  const how = exit?.signal ? `signal ${exit.signal}` : `exit code ${exit?.code ?? 'unknown'}`;
  return fault(
    exit?.reason === 'oom' ? 'out_of_memory' : 'exited',
    exit?.reason === 'oom'
      ? 'Your server ran out of memory while it started. Nothing was lost.'
      : `Your server ended while it started (${how}). Nothing was lost.`,
    'The log below says more. Try again, or show it to your administrator.',
  );
}

/** What came out of a spawner as an exception. Its text goes to the log, never to the person. */
export function faultOf(error: unknown): Fault {
  if (error instanceof SpawnFault) return error.fault;
  return fault(
    'spawner_error',
    'Your server could not be started because of an error in the hub. Nothing was lost.',
    'Try again. If it happens again, tell your administrator; the hub’s log has the details.',
  );
}
