import type { Allowed } from './compare.ts';

const MODULES = ['jupyter_core.migrate'];

/** By what a cold server can be told from a warm one. At most eight, and each harmless. */
export const ALLOWED: readonly Allowed[] = [
  {
    key: /\.status\.(Pid|PPid|Tgid|NS\w+)$|\.account\.(pid|parent)$|\.processes$|\.JPY_PARENT_PID$/,
    cause: 'Its number in its own process namespace: a cold start runs a few more programs before it.',
    harmless: 'The kernel gives out numbers as it likes; the next start of the same kind may have another one.',
  },
  {
    key: /\.status\.FDSize$/,
    cause: 'Slots of the table of open files, which the kernel doubles when they are used and never takes back.',
    harmless: 'Only a reserve of the kernel; the limit is another line, and the same.',
  },
  {
    key: /\.environ\.order$/,
    cause: 'The shell of a cold start hands its variables on in the order of its hash table.',
    harmless: 'That order depends on the shell and on every name in it; POSIX promises none.',
  },
  {
    key: /^server\.housekeeping\.gc_frozen$/,
    cause: 'What the template loaded is kept away from the garbage collector, so that it stays shared.',
    harmless: 'Modules that are loaded are never garbage; what the server makes itself is collected as ever.',
  },
  {
    key: /^server\.modules$/,
    is: (cold, warm) => isNothing(cold) && isNothing((warm as string[]).filter((name) => !MODULES.includes(name))),
    cause:
      "A person's first start brings old settings up to date and loads a module for that; the template has it loaded.",
    harmless: 'It does nothing by being loaded, and an import finds it either way.',
  },
  {
    key: /^server\.stat\.flags$/,
    is: (cold, warm) => (Number(cold) ^ Number(warm)) === FORKED_WITHOUT_EXEC,
    cause: 'It was forked and ran no other program since.',
    harmless: 'Every process of a pool has that flag; it is for the accounting of processes.',
  },
  {
    key: /^server\.sys\.path_importer_cache$/,
    cause: 'What Python remembers of folders is forgotten, so that each person’s own are looked at.',
    harmless: 'A cache: the next import from a folder fills it again.',
  },
  {
    key: /^server\.auxv\.(uid|euid|gid|egid)$/,
    cause: 'The kernel notes the account that began the program, which was the template’s.',
    harmless: 'The C library reads it when a program is loaded, which is over; accounts are asked for by system call.',
  },
];

/** PF_FORKNOEXEC */
const FORKED_WITHOUT_EXEC = 0x40;

const isNothing = (list: unknown) => Array.isArray(list) && list.length === 0;
