import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Log } from '@atrium/sdk';
import { ifMissing, StartFault } from './errors.ts';
import { call } from './http.ts';
import type { HubClient } from './hub/client.ts';
import type { Session } from './hub/protocol.ts';
import type { Account, Machine } from './machine/machine.ts';
import { pause } from './retry.ts';
import { untilSetUp } from './set-up.ts';
import { silent, storyOf } from './story.ts';

const READY_LOOK_MS = 250;
const READY_TIMEOUT_MS = 180_000;
/** Where the notebook stack is on a machine that cloud-init set up, then where systems keep programs. */
const PATH = '/opt/atrium/venv/bin:/usr/local/bin:/usr/bin:/bin';

export interface StartWorld {
  machine: Machine;
  hub: HubClient;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  root: string;
  /** The person has seen these steps: the agent or the server was started anew. */
  quiet: boolean;
}

export const accountOf = ({ login, uid, server, studentRoot }: Session): Account => ({
  login,
  uid,
  name: server.user,
  root: studentRoot,
});

/**
 * From a session to a server that answers: account, home, programs; each step is told to the hub, which shows it to the
 * person. Steps that were done are done again without harm. Answers the home folder.
 * @throws StartFault when it cannot succeed.
 */
export async function startServer(world: StartWorld, session: Session): Promise<string> {
  const { machine } = world;
  const account = accountOf(session);
  const { say, told } = world.quiet ? silent : storyOf(world, session);

  say(55, 'Your machine is up');
  await machine.makeAccount(account);
  if (session.home) say(60, 'Opening your home folder');
  const home = await machine.openHome(
    account,
    session.home ? { volume: session.home.volume, fresh: session.home.fresh, device: session.home.device } : undefined,
    (message) => say(65, message),
  );
  await untilSetUp(world, say);
  say(75, 'Starting your notebook server');
  await machine.startServer({ account, home, command: session.command, env: await environment(world, session, home) });
  await untilReady(world, session);
  say(95, 'Your notebook server answers');
  await told();
  return home;
}

/** The hub's variables, completed; the hub's win. */
async function environment(world: StartWorld, session: Session, home: string): Promise<Record<string, string>> {
  const bundle = await trustBundle(world);
  return {
    PATH,
    LANG: 'C.UTF-8',
    HOME: home,
    USER: session.login,
    LOGNAME: session.login,
    SHELL: '/bin/bash',
    // The notebook server speaks to the hub itself; Python's default certificates come from here.
    ...(bundle ? { SSL_CERT_FILE: bundle } : {}),
    ...session.env,
  };
}

const SYSTEM_BUNDLES = ['etc/ssl/certs/ca-certificates.crt', 'etc/pki/tls/certs/ca-bundle.crt'];

/** The system's certificates and the hub's own in one file; undefined when the hub's is a public one. */
async function trustBundle({ hub, root }: StartWorld): Promise<string | undefined> {
  const anchor = await hub.anchor();
  if (!anchor) return undefined;
  let system = '';
  for (const path of SYSTEM_BUNDLES) system ||= await readFile(join('/', path), 'utf8').catch(ifMissing(''));
  // Not in /run/atrium, which is root's alone.
  const dir = join(root, 'run/atrium-public');
  await mkdir(dir, { recursive: true, mode: 0o755 });
  const file = join(dir, 'ca-bundle.pem');
  await writeFile(file, `${system}\n${anchor.trim()}\n`, { mode: 0o644 });
  return file;
}

/** Waits until the server answers HTTP at all. @throws StartFault when it ends before or takes too long. */
async function untilReady({ machine, clock, signal }: StartWorld, { bind, port, server }: Session): Promise<void> {
  const host = bind.includes(':') ? `[${bind}]` : bind;
  const url = `http://${host}:${port}${server.prefix}api`;
  const deadline = clock.now() + READY_TIMEOUT_MS;
  for (let look = 0; ; look++) {
    signal.throwIfAborted();
    const answer = await call({ method: 'GET', url, timeoutMs: 5000, signal }).catch(() => undefined);
    if (answer && answer.status < 500) return;
    // systemd is asked once a second only.
    const state = look % 4 === 0 ? await machine.server() : undefined;
    if (state?.state === 'exited') throw endedTooSoon(state);
    if (clock.now() >= deadline)
      throw new StartFault(
        'transient',
        'server_silent',
        'The notebook server was started but did not answer within three minutes.',
      );
    await pause(clock, READY_LOOK_MS, signal);
  }
}

/** The last line of its log is the best short answer to "why". */
function endedTooSoon({ code, log }: { code: number | null; log: string }): StartFault {
  const last = log.trim().split('\n').at(-1)?.slice(-300) ?? '';
  if (code === 127 || code === 203)
    return new StartFault(
      'image',
      'command_not_found',
      `The machine's image does not have the program to start. ${last}`.trim(),
    );
  return new StartFault(
    'image',
    'server_ended',
    `The notebook server ended at once (${code ?? 'by a signal'}). ${last}`.trim(),
  );
}
