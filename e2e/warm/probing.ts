import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { openKernel } from '../lib/kernel.ts';
import { forksKernels } from '../lib/processes.ts';
import { childrenOf, type Started, type World } from './world.ts';

const PROBE = fileURLToPath(new URL('./probe.py', import.meta.url));
/** A file of the person's own that every notebook server reads and runs at its start. */
const SERVER_CONFIG = `
import os
from importlib.util import module_from_spec, spec_from_file_location
_spec = spec_from_file_location("probe", os.path.expanduser("~/.probe/probe.py"))
_probe = module_from_spec(_spec)
_spec.loader.exec_module(_probe)
_probe.install()
`;
const KERNEL_CELL = (name: string) => `
import os as _os
from importlib.util import module_from_spec as _make, spec_from_file_location as _find
_spec = _find("probe", _os.path.expanduser("~/.probe/probe.py"))
_probe = _make(_spec)
_spec.loader.exec_module(_probe)
_probe.write(${JSON.stringify(name)})
`;
const ANSWER = { timeout: 60_000, interval: 100 };
/** Looks in a row that find a server at rest. */
const QUIET = 5;

export type Facts = { [name: string]: unknown };
/** By who tells it. */
export type AllFacts = Facts & { server: Answer; kernel: Answer };

/** What the probe writes, as far as it is read here. */
interface Answer {
  /** Open descriptors: number to target and flags. */
  fd: Record<string, string>;
  account: { pid: number; parent: number };
}

/** Puts the probe into somebody's home, which they must have had a server in before. */
export function installProbe(home: string): void {
  const { uid, gid } = statSync(home);
  const put = (path: string, write: (path: string) => void) => {
    write(path);
    chownSync(path, uid, gid);
  };
  put(join(home, '.probe'), (path) => mkdirSync(path, { recursive: true, mode: 0o700 }));
  put(join(home, '.jupyter'), (path) => mkdirSync(path, { recursive: true, mode: 0o700 }));
  put(join(home, '.probe', 'probe.py'), (path) => copyFileSync(PROBE, path));
  put(join(home, '.jupyter', 'jupyter_server_config.py'), (path) => writeFileSync(path, SERVER_CONFIG));
  chmodSync(join(home, '.probe', 'probe.py'), 0o644);
}

/** Everything that can be found out about a running server: from inside it, from its kernel, from outside, over HTTP. */
export async function factsOf(world: World, server: Started): Promise<AllFacts> {
  const home = world.home(server.user);
  const http = await served(world, server);
  await atRest(server.pid);
  const { uid, gid } = statSync(home);
  const ask = join(home, '.probe', 'ask');
  writeFileSync(ask, server.launch);
  chownSync(ask, uid, gid);
  process.kill(server.pid, 'SIGUSR2');
  const own = await answered(join(home, '.probe', server.launch));
  await using kernel = await openKernel(new URL(`user/${server.user}/`, world.up.url), world.token);
  await kernel.run(KERNEL_CELL(`${server.launch}-kernel`));
  const kernels = await answered(join(home, '.probe', `${server.launch}-kernel`));
  for (const [name, target] of Object.entries(own.fd)) if (isInherited(target)) delete own.fd[name];
  return { server: own, kernel: kernels, outside: seenFromOutside(server.pid), http };
}

/**
 * After its first page a server still asks npm for its folder, and threads read what packages say of themselves: what is
 * under way at that moment is nobody's difference.
 */
async function atRest(pid: number): Promise<void> {
  let quiet = 0;
  const look = () => {
    quiet =
      childrenOf(pid).every(forksKernels) && !openFiles(pid).some((path) => path.endsWith('.txt')) ? quiet + 1 : 0;
    return quiet;
  };
  await expect.poll(look, ANSWER).toBeGreaterThanOrEqual(QUIET);
}

function openFiles(pid: number): string[] {
  const dir = `/proc/${pid}/fd`;
  return readdirSync(dir).flatMap((name) => {
    try {
      return [readlinkSync(join(dir, name))];
    } catch {
      return []; // Closed meanwhile.
    }
  });
}

/** What whoever runs the tests left open for everything that they start. */
function isInherited(target: string): boolean {
  return /^(pipe|socket):/.test(target) && openFiles(process.pid).some((one) => target.startsWith(`${one} `));
}

async function answered(file: string): Promise<Answer> {
  await expect.poll(() => existsSync(file), ANSWER).toBe(true);
  const { facts, error } = JSON.parse(readFileSync(file, 'utf8')) as { facts: Answer; error?: string };
  if (error) throw new Error(`The probe failed: ${error}`);
  return facts;
}

/** What root reads of it, and what only root could see if it were wrong. */
function seenFromOutside(pid: number): Facts {
  const file = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8');
  const spaces = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'pid_for_children', 'time', 'user', 'uts'];
  const link = (of: number | 'self', name: string) => readlinkSync(`/proc/${of}/ns/${name}`);
  return {
    cmdline: file('cmdline').split('\0'),
    environ: Object.fromEntries(file('environ').split('\0').filter(Boolean).map(splitPair)),
    comm: file('comm'),
    cwd: readlinkSync(`/proc/${pid}/cwd`),
    exe: readlinkSync(`/proc/${pid}/exe`),
    cgroup: file('cgroup'),
    // Whether a namespace is this machine's or one of the server's own.
    namespaces: Object.fromEntries(
      spaces.map((name) => [name, link(pid, name) === link('self', name) ? 'shared' : 'own']),
    ),
    depth: /^NSpid:(.*)$/m.exec(file('status'))?.[1]?.trim().split(/\s+/).length,
    owner: [statSync(`/proc/${pid}`).uid, statSync(`/proc/${pid}`).gid],
  };
}

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), pair.slice(at + 1)];
}

/** What the server says over HTTP, as the person's browser would ask. */
async function served(world: World, { user }: Started): Promise<Facts> {
  const headers = { authorization: `token ${world.token}` };
  const read = async (path: string) => {
    const answer = await fetch(new URL(`user/${user}/${path}`, world.up.url), { headers });
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
  };
  const [api, me, specs, lab] = [
    await read('api'),
    await read('api/me'),
    await read('api/kernelspecs'),
    await read('lab'),
  ];
  const status = await read('api/status');
  return { api, me, specs, status, lab };
}
