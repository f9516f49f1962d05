import type { FaultClass } from '@atrium/sdk';

/** A failure we planned for; its message is one or two plain sentences and holds no secret. */
export class AgentError extends Error {
  override readonly name: string = 'AgentError';
}

/** This start cannot succeed, and the person waiting should read why. Goes to the hub with the step. */
export class StartFault extends AgentError {
  override readonly name = 'StartFault';
  readonly class: FaultClass;
  /** Stable, as in the SDK's `Fault`. */
  readonly code: string;

  constructor(kind: FaultClass, code: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.class = kind;
    this.code = code;
  }
}

/** What an unknown error has to say, for a log line or a task's report. */
export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Answers `fallback` when the file is not there; anything else is thrown on. */
export const ifMissing =
  <T>(fallback: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return fallback;
    throw error;
  };
