/** The pinned packages of people's servers: a file of the package. */
export const REQUIREMENTS: string;

/** Whether `dir` holds the environment that the pins describe. Reads two small files; runs nothing. */
export function pythonIsReady(dir: string, requirements?: string): boolean;

/**
 * Makes the Python environment that people's servers run from, or returns at once when it is there. Shows its steps on
 * standard error. `wheels` keeps what was fetched. Throws `SetupProblem`, whose message says what to do.
 */
export function ensurePython(options: {
  dir: string;
  wheels: string;
  requirements?: string;
  title?: string;
}): Promise<{ dir: string; made: boolean }>;
