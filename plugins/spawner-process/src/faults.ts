import { constants } from 'node:os';
import type { Exit, Fault } from '@atrium/sdk';

/** What is known about a server that ended without being asked to. */
export interface Ending {
  code: number | undefined;
  command: readonly string[];
  /** The end of what it wrote. */
  output: string;
  /** Processes of it that were killed for want of memory. */
  kills: number;
  memoryMb: number | undefined;
  /** The command is a file that exists (and so what could not be found is its interpreter). */
  commandExists: boolean;
  /** No byte is left for the person on the disk of the home folders. */
  homeFull: boolean;
  /** The machine was started anew since. */
  rebooted: boolean;
}

type Rule = (ending: Ending) => Fault | undefined;

const KILLED = 128 + 9;
const disk: Fault = {
  class: 'user',
  code: 'disk_full',
  message: 'The server could not write: the disk is full or your share of it is used up.',
  advice: 'Delete files you no longer need, or ask an administrator for more space. Nothing that was saved is lost.',
};

/** First match wins; each looks at one cause. */
const RULES: Rule[] = [
  ({ rebooted }) =>
    rebooted
      ? {
          class: 'lost',
          code: 'machine_restarted',
          message: 'The machine was restarted, which ended the server. Files in the home folder are kept.',
          advice: 'Start the server again.',
        }
      : undefined,
  ({ code, kills, memoryMb }) =>
    kills > 0 && (code === KILLED || code === undefined)
      ? {
          class: 'user',
          code: 'out_of_memory',
          message: `The server used more memory than it may${memoryMb ? ` (${memoryMb} MiB)` : ''} and was ended. Unsaved work in memory is lost; files are kept.`,
          advice: 'Start it again and load less at a time, or ask an administrator for more memory.',
        }
      : undefined,
  ({ output, homeFull }) =>
    /No space left on device|Disk quota exceeded|ENOSPC|EDQUOT/.test(output) || homeFull ? disk : undefined,
  ({ output }) => {
    const missing = /ModuleNotFoundError: No module named '([^']+)'|ImportError: No module named '?([\w.]+)/.exec(
      output,
    );
    const name = missing?.[1] ?? missing?.[2];
    return name
      ? {
          class: 'config',
          code: 'python_package_missing',
          message: `The server needs the Python package "${name}", which is not installed in its environment.`,
          advice: `An administrator can install it there with pip: pip install ${name.split('.')[0]}`,
        }
      : undefined;
  },
  ({ code, command, commandExists, output }) => {
    if (code !== 126 && code !== 127) return undefined;
    const refused = /^setsid: failed to execute (.+): Permission denied$/m.exec(output)?.[1];
    const missing =
      /^setsid: failed to execute (.+): No such file or directory$/m.exec(output)?.[1] ??
      /: ([^\s:]+): (?:command )?not found$/m.exec(output)?.[1];
    if (refused) {
      return {
        class: 'config',
        code: 'command_not_executable',
        message: `The server's command ${refused} may not be run by the person's account.`,
        advice: 'An administrator can correct its permissions, and those of the folders above it.',
      };
    }
    if (missing === command[0] && commandExists) {
      return {
        class: 'config',
        code: 'python_missing',
        message: `${missing} is there, but the program that should run it is not. A Python environment that was moved or whose Python was removed looks like this.`,
        advice: 'An administrator can make the Python environment anew.',
      };
    }
    return missing || code === 127
      ? {
          class: 'config',
          code: 'command_not_found',
          message: `The server's command ${missing ?? command[0]} was not found on this machine.`,
          advice: 'An administrator can install it, or correct `command` in the configuration.',
        }
      : undefined;
  },
  ({ code, output }) =>
    code === 125
      ? {
          class: 'config',
          code: 'isolation_failed',
          message: `The server could not be kept apart from others: ${/^atrium: (.*)$/m.exec(output)?.[1] ?? 'the machine refused'}.`,
          advice: 'An administrator finds more in the log; `atrium doctor` checks what the machine allows.',
        }
      : undefined,
  ({ output }) => {
    const folder = /^atrium: cannot enter the folder (.*)$/m.exec(output)?.[1];
    return folder
      ? {
          class: 'config',
          code: 'home_unreachable',
          message: `The person's account may not enter ${folder}: a folder above it is closed to others.`,
          advice: 'An administrator can open the folders above it (chmod o+x), or keep the data elsewhere.',
        }
      : undefined;
  },
  ({ output }) =>
    /Failed to connect to my Hub|Cannot connect to Hub|Error connecting to .*hub\/api/i.test(output)
      ? {
          class: 'transient',
          code: 'hub_unreachable',
          message: 'The server could not reach the hub while it started.',
          advice: 'Try again. If it happens again, an administrator should look at the log of hub and proxy.',
        }
      : undefined,
  ({ output, code }) =>
    /SyntaxError: |requires a different Python|Python 3\.\d+ or (later|newer) is required/.test(output) && code !== 0
      ? {
          class: 'config',
          code: 'python_unsuitable',
          message: 'The server does not run with the Python it was started with.',
          advice: 'An administrator can make the Python environment anew with a newer Python.',
        }
      : undefined,
  ({ output, code }) =>
    code === 126 || /^PermissionError: |: Permission denied$/m.test(output.slice(-2_000))
      ? {
          class: 'user',
          code: 'permission_denied',
          message: `The server was refused access to a file: ${/PermissionError: (?:\[Errno 13\] )?(.*)/.exec(output)?.[1] ?? lastLine(output)}`,
          advice:
            'If the file is in your home folder, give yourself the right to it again; otherwise ask an administrator.',
        }
      : undefined,
  ({ code }) =>
    code === KILLED
      ? {
          class: 'lost',
          code: 'killed',
          message: 'Something killed the server from outside; the machine may have run out of memory.',
          advice: 'Start it again. If it happens again, ask an administrator.',
        }
      : undefined,
  ({ code }) =>
    code === undefined
      ? {
          class: 'lost',
          code: 'gone',
          message: 'The server is gone and nothing says how it ended.',
          advice: 'Start it again.',
        }
      : undefined,
];

/** Why a server ended that nobody asked to; undefined when it simply finished (status 0, as JupyterLab's Shut Down does). */
export function explain(ending: Ending): Fault | undefined {
  if (ending.code === 0 && !ending.rebooted) return undefined;
  for (const rule of RULES) {
    const fault = rule(ending);
    if (fault) return fault;
  }
  const last = lastLine(ending.output);
  return {
    class: 'user',
    code: 'exited',
    message: `The server ended by itself with status ${ending.code}.${last ? ` Its last words: ${last}` : ' It wrote nothing.'}`,
    advice: 'The log below has more. Files in the home folder are kept.',
  };
}

/** A shell's status as exit code or signal. */
export function exitOf(status: number | undefined, reason?: Exit['reason']): Exit {
  const number = status !== undefined && status > 128 ? status - 128 : undefined;
  const signal = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return {
    code: signal ? null : (status ?? null),
    ...(signal ? { signal } : {}),
    ...(reason ? { reason } : {}),
  };
}

/** What it said last; Python's own words for an error win, because buffered output may come after them. */
function lastLine(output: string): string {
  const error = output.match(/^[\w.]*(?:Error|Exception): .+$/gm)?.at(-1);
  return (error ?? output.trimEnd().split('\n').at(-1) ?? '').trim().slice(0, 300);
}
