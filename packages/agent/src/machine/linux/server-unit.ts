import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifMissing } from '../../errors.ts';
import type { ServerSpec, ServerState } from '../machine.ts';
import { run, tryRun } from '../run.ts';
import { quote } from './quote.ts';

/** The unit is a template; its instance is the account's number. */
const unit = (uid: number) => `atrium-server@${uid}.service`;

/**
 * What `atrium-server.sh` reads: the environment, then the command. systemd hands it over as a credential, a file in
 * memory that only the server's account can read; nothing of it is an argument of a program.
 */
export function launchScript({ env, command }: Pick<ServerSpec, 'env' | 'command'>): string {
  const variables = Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}\n`);
  return `${variables.join('')}exec ${command.map(quote).join(' ')}\n`;
}

export interface ServerUnit {
  start(spec: ServerSpec): Promise<void>;
  state(): Promise<ServerState>;
  stop(graceMs: number): Promise<void>;
  mainPid(): Promise<number | undefined>;
}

/** The person's server as a systemd unit. It outlives the agent. `dir` is on a tmpfs: /run/atrium. */
export function serverUnit(dir: string): ServerUnit {
  const file = join(dir, 'server.launch');
  const uidFile = join(dir, 'server.uid');
  const current = async (): Promise<string | undefined> => {
    const uid = await readFile(uidFile, 'utf8').catch(ifMissing(undefined));
    return uid === undefined ? undefined : unit(Number(uid));
  };
  const show = async (name: string) => {
    const out = await run(['systemctl', 'show', name, '--property=ActiveState,ExecMainStatus,ExecMainPID']);
    return Object.fromEntries(
      out
        .trim()
        .split('\n')
        .map((line) => line.split('=', 2)),
    );
  };
  return {
    async start(spec) {
      const name = unit(spec.account.uid);
      const script = launchScript(spec);
      const before = await readFile(file, 'utf8').catch(ifMissing(undefined));
      if (before === script && (await show(name)).ActiveState === 'active') return;
      // Written whole and readable by root alone before it has its name.
      await writeFile(`${file}.new`, script, { mode: 0o600 });
      await rename(`${file}.new`, file);
      await writeFile(uidFile, String(spec.account.uid), { mode: 0o600 });
      await dropIn(spec.account.root);
      await tryRun(['systemctl', 'reset-failed', name]);
      await run(['systemctl', 'restart', name]);
    },
    async state() {
      const name = await current();
      if (name === undefined) return { state: 'absent' };
      const { ActiveState, ExecMainStatus } = await show(name);
      if (ActiveState === 'active' || ActiveState === 'activating' || ActiveState === 'reloading')
        return { state: 'running' };
      const { out } = await tryRun(['journalctl', '--unit', name, '--lines', '20', '--output', 'cat', '--no-pager']);
      return { state: 'exited', code: Number(ExecMainStatus ?? 0), log: out };
    },
    async stop(graceMs) {
      const name = await current();
      if (name === undefined) return;
      const stopped = tryRun(['systemctl', 'stop', name]);
      const force = setTimeout(
        () => void tryRun(['systemctl', 'kill', '--signal=KILL', name]).catch(() => {}),
        graceMs,
      );
      await stopped.finally(() => clearTimeout(force));
      await rm(file, { force: true });
    },
    async mainPid() {
      const name = await current();
      const pid = name === undefined ? 0 : Number((await show(name)).ExecMainPID);
      return pid > 0 ? pid : undefined;
    },
  };
}

const DROP_IN = '/run/systemd/system/atrium-server@.service.d';

/** The unit forbids gaining privileges; a profile with root for its people needs sudo to work. */
async function dropIn(root: boolean): Promise<void> {
  const file = join(DROP_IN, 'root.conf');
  const there = (await readFile(file, 'utf8').catch(ifMissing(undefined))) !== undefined;
  if (there === root) return;
  if (root) {
    await mkdir(DROP_IN, { recursive: true });
    await writeFile(file, '[Service]\nNoNewPrivileges=no\nRestrictSUIDSGID=no\n');
  } else await rm(file, { force: true });
  await run(['systemctl', 'daemon-reload']);
}
