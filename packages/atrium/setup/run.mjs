import { spawn } from 'node:child_process';

/** What a command said before it failed; enough to see why, not the whole log. */
const TAIL_CHARS = 4000;

/** A command that we started failed. `output` is the end of what it said on both streams. */
export class CommandFailed extends Error {
  constructor(file, code, signal, output, interrupted) {
    super(`${file} ended with ${signal ? `signal ${signal}` : `status ${code}`}${output ? `:\n${output}` : ''}`);
    this.name = 'CommandFailed';
    this.code = code;
    this.signal = signal;
    this.output = output;
    this.interrupted = interrupted;
  }
}

/**
 * Runs a command to its end and gives its standard output. Ctrl-C reaches the command first; then this rejects with
 * `interrupted` set, so that nothing is left running behind a setup that was stopped.
 */
export function run(file, args, { cwd, env, umask, onLine } = {}) {
  return new Promise((resolve, reject) => {
    const before = umask === undefined ? undefined : process.umask(umask);
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    if (before !== undefined) process.umask(before);
    let interrupted = false;
    const interrupt = () => {
      interrupted = true;
      child.kill('SIGTERM');
    };
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
    const settle = () => process.off('SIGINT', interrupt).off('SIGTERM', interrupt);

    let stdout = '';
    let tail = '';
    let rest = '';
    const read = (chunk, isAnswer) => {
      if (isAnswer) stdout += chunk;
      tail = (tail + chunk).slice(-TAIL_CHARS);
      if (!onLine || !isAnswer) return;
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    };
    child.stdout.setEncoding('utf8').on('data', (chunk) => read(chunk, true));
    child.stderr.setEncoding('utf8').on('data', (chunk) => read(chunk, false));
    child.on('error', (cause) => {
      settle();
      reject(cause);
    });
    child.on('close', (code, signal) => {
      settle();
      if (code === 0 && !interrupted) resolve(stdout);
      else reject(new CommandFailed(file, code, signal, tail.trim(), interrupted));
    });
  });
}

/** Words that npm, pip (the last: an index that told nothing) and apt use when the network, not the request, is at fault. */
const OFFLINE =
  /EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|NewConnectionError|ConnectTimeout|ReadTimeout|Temporary failure|Failed to establish|Max retries exceeded|ERR_SOCKET_TIMEOUT|network .*(unreachable|request)|name resolution|ProxyError|Could not resolve|from versions: none/i;

/** True when a command failed because it could not reach the network. */
export const isOffline = (cause) => OFFLINE.test(cause?.output ?? '');
