import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseUserData, writeFiles } from '../cloud-init/index.ts';
import type { SimMachine } from '../runner.ts';
import { type Control, openControl } from './control.ts';
import { adaptAgentConfig, linkVolumes, prepareRoot } from './folders.ts';
import { end, familyOf, type Program, type Running, signal, start } from './processes.ts';
import { systemctl } from './systemctl.ts';
import { Units } from './units.ts';

const HOST_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** One machine between two boots: its units, what cloud-init started, and how it is switched off. */
export class ProcessMachine {
  readonly #machine: SimMachine;
  readonly #env: Readonly<Record<string, string>>;
  readonly #units: Units;
  #control: Control | undefined;
  #commands: Running[] = [];
  #frozen: number[] = [];
  #isOver = false;

  constructor(machine: SimMachine, env: Readonly<Record<string, string>>, graceMs: number) {
    this.#machine = machine;
    this.#env = env;
    this.#units = new Units({
      root: machine.rootDir,
      program: (argv, more) => this.#program(argv, more),
      console: machine.console,
      graceMs,
    });
  }

  /** Resolves when what is enabled was started; what user data asks for goes on in the background. */
  async boot(): Promise<void> {
    const machine = this.#machine;
    const { rootDir: root } = machine;
    prepareRoot(root, Date.now());
    linkVolumes(machine);
    const bin = join(root, 'run/simulator/bin');
    this.#control = await openControl(bin, (args) => systemctl(this.#units, args, { off: () => machine.powerOff() }));
    const userData =
      machine.firstBoot && machine.userData !== undefined
        ? parseUserData(machine.userData)
        : { files: [], commands: [] };
    writeFiles(root, userData.files, machine.console);
    adaptAgentConfig(root, this.#control.poweroff);
    if (this.#isOver) return;
    await this.#units.boot();
    void this.#run(userData.commands);
  }

  /** Ends everything that runs in the machine. */
  async halt(force: boolean): Promise<void> {
    this.#isOver = true;
    // What is frozen cannot hear a polite request.
    const atOnce = force || this.#frozen.length > 0;
    for (const pid of this.#frozen) signal(pid, 'SIGKILL');
    await Promise.all([this.#units.end(atOnce), end(this.#commands, { force: true, graceMs: 0 })]);
    await this.#control?.[Symbol.asyncDispose]();
  }

  /** Hibernation: everything stays in memory and nothing runs. */
  freeze(): void {
    this.#units.pause(true);
    const running = [...this.#units.running(), ...this.#commands];
    this.#frozen = familyOf(running.flatMap(({ child }) => (child.pid === undefined ? [] : [child.pid])));
    for (const pid of this.#frozen) signal(pid, 'SIGSTOP');
  }

  thaw(): void {
    for (const pid of this.#frozen) signal(pid, 'SIGCONT');
    this.#frozen = [];
    this.#units.pause(false);
  }

  /** As cloud-init: one after the other, and one that fails does not keep the next from running. */
  async #run(commands: readonly (string | string[])[]): Promise<void> {
    const { console } = this.#machine;
    for (const command of commands) {
      if (this.#isOver) return;
      const argv = typeof command === 'string' ? ['sh', '-c', command] : command;
      const running = start(this.#program(argv, {}), (text) => console(`cloud-init: ${text}`));
      this.#commands.push(running);
      const code = await running.ended;
      this.#commands = this.#commands.filter((one) => one !== running);
      if (code !== 0 && !this.#isOver)
        console(`cloud-init: runcmd ended with ${code}: ${argv.join(' ').slice(0, 200)}`);
    }
  }

  /**
   * A command of this machine as one of ours: a path that exists in its root folder is meant there. Programs that the
   * root folder does not have are this computer's.
   */
  #program(argv: string[], env: Record<string, string>): Program {
    const { rootDir: root, imds, privateIp } = this.#machine;
    const inside = (word: string) => (word.startsWith('/') && existsSync(join(root, word)) ? join(root, word) : word);
    const home = join(root, 'root');
    mkdirSync(home, { recursive: true });
    const path = ['run/simulator/bin', 'usr/local/sbin', 'usr/local/bin', 'usr/bin', 'bin'].map((dir) =>
      join(root, dir),
    );
    return {
      argv: argv.map(inside),
      cwd: root,
      env: {
        PATH: [...path, HOST_PATH].join(delimiter),
        HOME: home,
        LANG: 'C.UTF-8',
        AWS_EC2_METADATA_SERVICE_ENDPOINT: imds,
        ATRIUM_ROOT: root,
        ATRIUM_POWEROFF: this.#control?.poweroff.join(' ') ?? 'false',
        SIMULATED_ADDRESS: privateIp,
        ...this.#env,
        ...env,
      },
    };
  }
}
