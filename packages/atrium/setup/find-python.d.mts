/** A Python that can make environments. */
export interface FoundPython {
  file: string;
  version: [number, number];
  executable: string;
}

/**
 * The machine's best Python: 3.10 or newer, with venv and pip's installer. Throws `SetupProblem`, whose message says
 * what to type on this kind of machine. `path` is a search path like `PATH`.
 */
export function findPython(path?: string): Promise<FoundPython>;

/** Whether every account of the machine can reach and run the file. */
export function readableByAll(path: string): boolean;
