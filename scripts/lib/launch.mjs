import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { SetupProblem } from '../../packages/atrium/setup/report.mjs';
import { root } from './root.mjs';

const OLDEST_NODE = 20;
const INTERRUPTED = 130;
const STOPPED = 'Stopped. The same command goes on from here.\n';

/** Runs `main` and turns what goes wrong into words and an exit status. */
export async function runScript(main) {
  const stop = (signal) => {
    // A program that we run is asked first, by whoever runs it.
    if (process.listenerCount(signal) > 1) return;
    process.stderr.write(STOPPED);
    process.exit(INTERRUPTED);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    if (process.platform === 'win32')
      throw new SetupProblem(
        'Atrium runs on Linux and macOS.',
        'On Windows use WSL:  wsl --install  and clone it there.',
      );
    if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE)
      throw new SetupProblem(
        `Node ${process.versions.node} is too old to set Atrium up.`,
        `Install Node ${OLDEST_NODE} or newer.`,
      );
    process.exitCode = (await main()) ?? 0;
  } catch (cause) {
    if (cause?.interrupted) {
      process.stderr.write(STOPPED);
      process.exitCode = INTERRUPTED;
      return;
    }
    process.stderr.write(`\n${cause instanceof SetupProblem ? cause.message : (cause?.stack ?? cause)}\n`);
    process.exitCode = 1;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

/** Runs a program in our place: its streams, our signals, its exit status. */
export function become(file, args, { env = process.env, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'inherit', env, cwd });
    const forward = (signal) => {
      // A terminal gives Ctrl-C to the whole group; a second one would read as "hurry up".
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    const settle = () => {
      for (const signal of signals) process.off(signal, forward);
    };
    child.on('error', (cause) => {
      settle();
      reject(cause);
    });
    child.on('close', (code, signal) => {
      settle();
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/** The arguments that make Node run the command from this clone's sources. */
export const commandLine = (args) => [
  '--conditions=atrium-source',
  join(root, 'packages', 'atrium', 'src', 'main.ts'),
  ...args,
];
