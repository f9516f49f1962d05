import { spawn } from 'node:child_process';
import { AgentError } from '../errors.ts';

export interface Ran {
  code: number;
  out: string;
  err: string;
}

const LIMIT = 64 * 1024;

/** Runs a program with an argument list and waits for its end; answers any exit code. @throws AgentError when it cannot run. */
export function tryRun(
  [program, ...args]: readonly [string, ...string[]],
  options: { uid?: number; gid?: number; cwd?: string } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Programs' messages are read by us, so in one language.
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => {
      out = (out + chunk).slice(-LIMIT);
    });
    child.stderr.on('data', (chunk) => {
      err = (err + chunk).slice(-LIMIT);
    });
    child.on('error', (cause) => reject(new AgentError(`${program} could not be run: ${cause.message}`, { cause })));
    child.on('close', (code, signal) => resolve({ code: code ?? (signal ? 128 : 1), out, err }));
  });
}

/** As `tryRun`, but any exit code except 0 is an error. */
export async function run(
  argv: readonly [string, ...string[]],
  options: { uid?: number; gid?: number; cwd?: string } = {},
): Promise<string> {
  const { code, out, err } = await tryRun(argv, options);
  if (code !== 0) throw new AgentError(`${argv[0]} failed (${code}): ${err.trim().slice(-500) || 'it said nothing'}`);
  return out;
}
