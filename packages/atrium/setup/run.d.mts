export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  umask?: number;
  onLine?: (line: string) => void;
}

/** Runs a command to its end and gives its standard output. @throws CommandFailed */
export function run(file: string, args: readonly string[], options?: RunOptions): Promise<string>;

export class CommandFailed extends Error {
  /** The end of what it said on both streams. */
  output: string;
}

/** True when a command failed because it could not reach the network. */
export function isOffline(cause: unknown): boolean;
