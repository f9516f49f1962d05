import type { Allowed } from './compare.ts';

const MODULES = ['jupyter_core.migrate'];
/** Machine code of a module, or what it is linked with. */
const LIBRARY = /\.so(\.[\d.]+)?$/;

/** By what a cold server can be told from a warm one. At most eight, and each harmless. */
export const ALLOWED: readonly Allowed[] = [
  {
    key: /\.status\.(Pid|PPid|Tgid|NS\w+)$|\.account\.(pid|parent)$|\.processes$|\.JPY_PARENT_PID$/,
    cause:
      'Its number in its own process namespace: a cold start runs a few more programs before it, and a warm one has the process that its kernels are forked from, which is their parent.',
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
    key: /^(server|kernel)\.housekeeping\.gc_frozen$/,
    cause: 'What the template loaded is kept away from the garbage collector, so that it stays shared.',
    harmless: 'Modules that are loaded are never garbage; what the server makes itself is collected as ever.',
  },
  {
    key: /^(server\.modules|(server|kernel)\.maps)$/,
    is: (cold, warm) =>
      isNothing(cold) && (warm as string[]).every((one) => MODULES.includes(one) || LIBRARY.test(one)),
    cause:
      "The template has loaded what not every process asks for: a module that brings the settings of a person's first start up to date, and libraries of modules that only servers, or only kernels, need.",
    harmless:
      'The module does nothing by being loaded, and an import finds it either way. The libraries are mapped and not in use: the modules are not there, and an import of one of them loads it as ever.',
  },
  {
    key: /^(server|kernel)\.stat\.flags$/,
    is: (cold, warm) => (Number(cold) ^ Number(warm)) === FORKED_WITHOUT_EXEC,
    cause: 'It was forked and ran no other program since.',
    harmless: 'Every process of a pool has that flag; it is for the accounting of processes.',
  },
  {
    key: /^(server|kernel)\.sys\.path_importer_cache$/,
    cause: 'What Python remembers of folders is forgotten, so that each person’s own are looked at.',
    harmless: 'A cache: the next import from a folder fills it again.',
  },
  {
    key: /^server\.fd$/,
    is: (cold, warm) => isNothing(cold) && (warm as string[]).length === 1 && /SOCK_SEQPACKET/.test(String(warm)),
    cause: 'One end of a pair of sockets, by which the server asks for kernels.',
    harmless: 'It has a number that the server would have given to a file of its own; no program knows those before.',
  },
];

/** PF_FORKNOEXEC */
const FORKED_WITHOUT_EXEC = 0x40;

const isNothing = (list: unknown) => Array.isArray(list) && list.length === 0;
