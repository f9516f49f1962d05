import type { Capabilities } from '@atrium/sdk';
import type { ProcessConfig } from './config.ts';
import type { Machine } from './machine.ts';

/** `full`: no other user's home folder, processes or sockets can be reached. `partial`: see the warning it comes with. */
export function isolationOf({ mode }: Machine): Capabilities['isolation'] {
  return mode === 'namespaces' ? 'full' : mode === 'none' ? 'none' : 'partial';
}

/** One sentence per thing that is not in force on this machine. */
export function warningsOf(config: ProcessConfig, machine: Machine): string[] {
  const why = machine.obstacle ? ` (${machine.obstacle})` : '';
  const isolation = {
    namespaces: [],
    account: [
      `Servers have accounts of their own but no namespaces${config.isolation === 'none' ? '' : why}: they see the list of all processes and share /tmp.`,
    ],
    'user-namespace': [
      'Servers are kept apart by namespaces but share the account that the hub runs as: start the hub as root to give each person an account of their own.',
    ],
    none: [
      `Servers are not kept apart${config.isolation === 'none' ? '' : why}: everybody with a server can read everybody's files and the hub's own.`,
    ],
  }[machine.mode];
  const words = { memory: 'memory', cpu: 'processor', tasks: 'task' };
  const wanted = { memory: config.limits.memoryMb, cpu: config.limits.cpus, tasks: config.limits.tasks };
  const limits = (['memory', 'cpu', 'tasks'] as const)
    .filter((limit) => wanted[limit] !== undefined && !machine.limits.includes(limit))
    .map(
      (limit) => `The ${words[limit]} limit (${wanted[limit]}) is not in force: no cgroup that the hub may use has it.`,
    );
  return [...isolation, ...limits];
}
