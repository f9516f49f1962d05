import { z } from 'zod';

export const Limits = z.strictObject({
  memoryMb: z.number().positive().optional().describe('Memory of one server with its kernels, in MiB.'),
  cpus: z.number().positive().optional().describe('Processor time of one server, in cores: 0.5 is half of one.'),
  tasks: z.int().positive().optional().describe('Processes and threads of one server.'),
});
export type Limits = z.output<typeof Limits>;

/** What an installation may say about servers that are processes of this machine. */
export const ProcessConfig = z.strictObject({
  command: z
    .tuple([z.string().min(1)], z.string())
    .optional()
    .describe(
      'The server to run and its arguments; without it, `jupyterhub-singleuser` of the Python environment. A command of ' +
        'your own listens on the Unix socket that $ATRIUM_SOCKET names (or see `address`) and serves under the path of ' +
        '$JUPYTERHUB_SERVICE_PREFIX.',
    ),
  python: z
    .string()
    .startsWith('/')
    .optional()
    .describe('Python environment of the servers; without it, `python` in the data directory.'),
  defaultUrl: z.string().startsWith('/').default('/lab').describe('Page that opens first: `/lab` or `/tree`.'),
  notebookDir: z
    .string()
    .optional()
    .describe('Folder the server shows as its root, with `{username}` for the name; without it, the home folder.'),
  environment: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string())
    .default({})
    .describe('More environment variables for every server. They win over what the hub sets.'),
  limits: Limits.prefault({}).describe('What one server may use, where this machine can enforce it (cgroups).'),
  guarantees: Limits.pick({ memoryMb: true, cpus: true })
    .prefault({})
    .describe(
      'What servers are told that they can count on (`MEM_GUARANTEE`, `CPU_GUARANTEE`). Nothing is set aside for them.',
    ),
  isolation: z
    .enum(['auto', 'none'])
    .default('auto')
    .describe(
      '`auto` keeps servers apart as far as this machine allows. `none` says that everybody who signs in may be trusted ' +
        "with everybody else's files.",
    ),
  address: z
    .enum(['unix', 'tcp'])
    .default('unix')
    .describe(
      '`unix`: the server listens on a socket file that nobody else can open. `tcp`, for a command that cannot: it binds a ' +
        'free port of 127.0.0.1 itself and writes the number into the file that $ATRIUM_PORT_FILE names.',
    ),
  readOnlyPaths: z
    .array(z.string().startsWith('/'))
    .default([])
    .describe('More folders that servers may read although they lie in a place that is hidden from them.'),
  start: z
    .enum(['warm', 'cold'])
    .default('warm')
    .describe(
      '`warm` forks each server from a process that has loaded its program already, wherever that is safe, which takes ' +
        'a fraction of the time. `cold` starts each one from nothing.',
    ),
  tmpMb: z.int().positive().default(2048).describe("Size of a server's private /tmp, in MiB. It is kept in memory."),
});
export type ProcessConfig = z.output<typeof ProcessConfig>;
