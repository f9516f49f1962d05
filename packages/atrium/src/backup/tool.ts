import { execFile } from 'node:child_process';
import { CommandError } from '../cli/command.ts';

/**
 * Runs a program of the machine to its end.
 * @throws CommandError with what it said; `missing` is what to say when the program is not there.
 */
export function runTool(
  file: string,
  args: readonly string[],
  options: { env?: Record<string, string>; missing: string; accept?: readonly number[] },
): Promise<string> {
  const env = { ...process.env, ...options.env };
  return new Promise((resolve, reject) => {
    execFile(file, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (!error || options.accept?.includes(Number(error.code))) return resolve(stdout);
      if (error.code === 'ENOENT') return reject(new CommandError(options.missing));
      reject(new CommandError(`${file} failed: ${stderr.trim() || error.message}`));
    });
  });
}

/** How PostgreSQL's own programs learn where the database is: never on their command line, which anybody can read. */
export function postgresEnv(url: string): Record<string, string> {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const socketDir = searchParams.get('host');
  return {
    PGHOST: socketDir ?? decodeURIComponent(hostname),
    ...(port ? { PGPORT: port } : {}),
    ...(username ? { PGUSER: decodeURIComponent(username) } : {}),
    ...(password ? { PGPASSWORD: decodeURIComponent(password) } : {}),
    PGDATABASE: decodeURIComponent(pathname.slice(1)),
  };
}
