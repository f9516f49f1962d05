import { basename, join } from 'node:path';
import type { ServerIo } from '@atrium/sdk';
import type { Limits } from './config.ts';
import { launchDir, type Mode, type Place, type ProcessRef, portFile, serverSocket } from './layout.ts';

/** What the environment of a server depends on. */
export interface Setting {
  command: readonly string[];
  address: 'unix' | 'tcp';
  mode: Mode;
  home: string;
  python: string;
  defaultUrl: string;
  notebookDir: string | undefined;
  environment: Readonly<Record<string, string>>;
  limits: Limits;
  guarantees?: Pick<Limits, 'memoryMb' | 'cpus'>;
}

const USERNAME = '{username}';

/** The folder to show, where it is the same one for everybody (`user` undefined), or where it is not. */
function rootDir({ notebookDir }: Pick<Setting, 'notebookDir'>, user?: string): Record<string, string> {
  if (notebookDir === undefined || notebookDir.includes(USERNAME) !== (user !== undefined)) return {};
  return { JUPYTERHUB_ROOT_DIR: notebookDir.replaceAll(USERNAME, user ?? '') };
}

/** The variables that are the same for all servers of this configuration: nobody's name, place or secret. */
export function commonEnvironment(setting: Omit<Setting, 'home' | 'address'>): Record<string, string> {
  const { limits, guarantees = {} } = setting;
  const told = (kind: string, { memoryMb, cpus }: Pick<Limits, 'memoryMb' | 'cpus'>) => ({
    ...(memoryMb ? { [`MEM_${kind}`]: String(Math.round(memoryMb * 1024 * 1024)) } : {}),
    ...(cpus ? { [`CPU_${kind}`]: String(cpus) } : {}),
  });
  return {
    PATH: `${join(setting.python, 'bin')}:/usr/local/bin:/usr/bin:/bin`,
    LANG: 'C.UTF-8',
    SHELL: '/bin/bash',
    JUPYTERHUB_DEFAULT_URL: setting.defaultUrl,
    ...rootDir(setting),
    ...told('LIMIT', limits),
    ...told('GUARANTEE', guarantees),
    ...setting.environment,
  };
}

/** `jupyterhub-singleuser`, `jupyter-labhub`, `jupyter labhub`: they take jupyter-server's options. */
export function isSingleUser(command: readonly string[]): boolean {
  return /^(jupyterhub-singleuser|jupyter|jupyter-.*)$/.test(basename(command[0] ?? ''));
}

/**
 * The command with what makes it listen on a Unix socket. JUPYTERHUB_SERVICE_URL must then carry port 8888 (any other is
 * refused as "mutually exclusive"); kernels talk over ipc, so that no loopback port takes kernel messages.
 */
export function commandLine(
  place: Place,
  ref: ProcessRef,
  { command, address }: Pick<Setting, 'command' | 'address'>,
): [string, ...string[]] {
  const [program = '', ...args] = command;
  if (address !== 'unix' || !isSingleUser(command)) return [program, ...args];
  const socket = serverSocket(launchDir(place, ref));
  return [
    program,
    ...args,
    `--ServerApp.sock=${socket}`,
    '--ServerApp.sock_mode=0660',
    '--KernelManager.transport=ipc',
  ];
}

/** Contract §1.1 completed, then the config's own variables, which win. */
export function serverEnvironment(
  place: Place,
  ref: ProcessRef,
  setting: Setting,
  io: ServerIo,
): Record<string, string> {
  const dir = launchDir(place, ref);
  const isolated = setting.mode === 'namespaces' || setting.mode === 'user-namespace';
  return {
    ...commonEnvironment(setting),
    HOME: setting.home,
    USER: io.server.user,
    LOGNAME: io.server.user,
    ...rootDir(setting, io.server.user),
    ...io.env,
    JUPYTERHUB_API_TOKEN: io.token.reveal(),
    JPY_API_TOKEN: io.token.reveal(),
    JUPYTERHUB_SERVICE_URL: `http://127.0.0.1:${setting.address === 'unix' ? 8888 : 0}${io.server.prefix}`,
    ...(setting.address === 'unix' ? { ATRIUM_SOCKET: serverSocket(dir) } : { ATRIUM_PORT_FILE: portFile(dir) }),
    // Short, for the paths of kernels' sockets; without a private /tmp, `init.sh` makes a folder of its own.
    ...(isolated ? { JUPYTER_RUNTIME_DIR: '/tmp/jupyter' } : {}),
    ...setting.environment,
  };
}
