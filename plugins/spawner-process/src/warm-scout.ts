import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RESERVED_UIDS } from '@atrium/sdk';
import { z } from 'zod';
import { remove } from './control.ts';
import { commandLine } from './environment.ts';
import { type LaunchInput, launch, type WarmBasis } from './launch.ts';
import { homesDir, isRoot, launchDir, type Place, type ProcessRef, readMeta, serverSocket } from './layout.ts';
import { logFile, readTail } from './logs.ts';
import { launches, look } from './look.ts';
import { removeHome } from './storage.ts';
import type { PythonScript } from './warm-command.ts';
import type { Scouted } from './warm-memory.ts';

const SCOUT = fileURLToPath(new URL('../py/scout.py', import.meta.url));
const SCOUT_MS = 180_000;
const REPORT_BYTES = 4 * 1024 * 1024;

/** Names with the files that they came from. */
const Modules = z.array(z.tuple([z.string(), z.string().nullable()]));
/** What `py/scout.py` writes down. */
const Found = z.object({
  modules: Modules,
  missing: z.array(z.string()),
  kernelModules: Modules,
  withoutKernels: z.string(),
  passing: z.boolean(),
});

/** Scouts are servers of an installation of their own, so that nobody takes them for a person's. */
const scoutPlace = (place: Place): Place => ({ ...place, hubId: `${place.hubId}~scout` });
const scoutUid = () => (isRoot() ? RESERVED_UIDS.last : (process.getuid?.() ?? 0));
const scoutStorage = () => `warm-scout-${scoutUid()}`;

/**
 * Starts the server once, cold, at the lowest priority, as somebody who has nothing, in the isolation that everybody has,
 * and learns which modules it had loaded when it answered, and which its kernel; `passing`: what was wrong with that
 * may not be wrong another time.
 */
export async function scout(
  input: WarmBasis,
  { interpreter, script }: PythonScript,
  place: Place,
): Promise<Omit<Scouted, 'leftOut'> & { passing: boolean }> {
  const ref: ProcessRef = { server: `scout${randomBytes(3).toString('hex')}`, generation: 0 };
  const own = scoutPlace(place);
  const home = join(homesDir(place), scoutStorage());
  const [program = '', ...args] = input.warm?.command ?? [];
  const [, ...options] = commandLine(place, ref, { command: [program, ...args], address: 'unix' });
  const code = await readFile(SCOUT, 'utf8');
  try {
    await launch(
      {
        ...input,
        ref,
        uid: scoutUid(),
        user: 'atrium-scout',
        storage: scoutStorage(),
        command: ['nice', '-n', '19', ...interpreter, '-c', code, script, ...options],
        env: { ...input.warm?.environment, ...personal(home, serverSocket(launchDir(place, ref)), input.mode) },
        limits: {},
        warm: null,
      },
      own,
    );
    for (const until = Date.now() + SCOUT_MS; ; await delay(100)) {
      const facts = await look(own, ref);
      if (!facts || facts.state === 'ended' || facts.state === 'rebooted') break;
      if (Date.now() > until) throw new Error('A server started for a try did not answer in time.');
    }
    const text = await readTail(place, ref.server, 0, REPORT_BYTES);
    const line = /^ATRIUM-SCOUT (.*)$/m.exec(text)?.[1];
    if (line === undefined) throw new Error(`A server started for a try did not answer: ${text.trim().slice(-500)}`);
    const { modules, missing, kernelModules, withoutKernels, passing } = Found.parse(JSON.parse(line));
    // What lies in somebody's home folder is not the environment's, even if that is nobody's.
    const names = (list: z.output<typeof Modules>) =>
      list.filter(([, origin]) => !origin?.startsWith(`${home}/`)).map(([name]) => name);
    return { modules: names(modules), missing, kernelModules: names(kernelModules), withoutKernels, passing };
  } finally {
    await clear(place, ref);
  }
}

/** What a hub that was killed left of its scouts. */
export async function sweepScouts(place: Place): Promise<void> {
  for (const ref of await launches(place)) {
    const meta = await readMeta(launchDir(place, ref)).catch(() => undefined);
    if (meta?.hubId === scoutPlace(place).hubId) await clear(place, ref);
  }
}

async function clear(place: Place, ref: ProcessRef): Promise<void> {
  await remove(scoutPlace(place), ref);
  await removeHome(place, scoutStorage());
  await rm(logFile(place, ref.server), { force: true });
}

/** What the hub gives everybody, of a person whom there is not. The script plays the hub itself. */
function personal(home: string, socket: string, mode: LaunchInput['mode']): Record<string, string> {
  const prefix = '/user/scout/';
  const scopes = JSON.stringify(['access:servers!server=scout/']);
  const token = randomBytes(16).toString('hex');
  return {
    HOME: home,
    USER: 'scout',
    LOGNAME: 'scout',
    JUPYTERHUB_API_TOKEN: token,
    JPY_API_TOKEN: token,
    JUPYTERHUB_CLIENT_ID: 'jupyterhub-user-scout',
    JUPYTERHUB_USER: 'scout',
    JUPYTERHUB_SERVER_NAME: '',
    JUPYTERHUB_BASE_URL: '/',
    JUPYTERHUB_SERVICE_PREFIX: prefix,
    JUPYTERHUB_SERVICE_URL: `http://127.0.0.1:8888${prefix}`,
    JUPYTERHUB_OAUTH_CALLBACK_URL: `${prefix}oauth_callback`,
    JUPYTERHUB_OAUTH_SCOPES: scopes,
    JUPYTERHUB_OAUTH_ACCESS_SCOPES: scopes,
    JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES: '[]',
    JUPYTERHUB_HOST: '',
    ATRIUM_SOCKET: socket,
    ...(mode === 'namespaces' || mode === 'user-namespace' ? { JUPYTER_RUNTIME_DIR: '/tmp/jupyter' } : {}),
  };
}
