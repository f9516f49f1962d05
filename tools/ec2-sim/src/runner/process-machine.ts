import { existsSync, lstatSync, mkdirSync, readlinkSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseUserData, writeFiles } from '../cloud-init/index.ts';
import type { SimMachine } from '../runner.ts';
import { canConfine, confined, prepare } from './confine.ts';
import { type Control, openControl } from './control.ts';
import { adaptAgentConfig, linkVolumes, prepareRoot } from './folders.ts';
import { end, familyOf, type Program, type Running, signal, start } from './processes.ts';
import { type NpmStandIn, writeStandIns } from './stand-ins.ts';
import { systemctl } from './systemctl.ts';
import { Units } from './units.ts';

const HOST_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Where a machine has its programs that come first: `systemctl` and the stand-ins. */
const BIN = 'run/simulator/bin';
/** Programs that know themselves that `/` is a folder, and those that are given files which say so. */
const OURS = ['/usr/lib/atrium/', '/opt/atrium/', '/etc/atrium/'];
const isOurs = (argv: readonly string[]) => argv.some((word) => OURS.some((place) => word.startsWith(place)));

export interface MachineOptions {
  env: Readonly<Record<string, string>>;
  graceMs: number;
  python?: string;
  npm?: NpmStandIn;
}

/** One machine between two boots: its units, what cloud-init started, and how it is switched off. */
export class ProcessMachine {
  readonly #machine: SimMachine;
  readonly #options: MachineOptions;
  readonly #units: Units;
  #control: Control | undefined;
  #commands: Running[] = [];
  #frozen: number[] = [];
  #isOver = false;

  constructor(machine: SimMachine, options: MachineOptions) {
    this.#machine = machine;
    this.#options = options;
    this.#units = new Units({
      root: machine.rootDir,
      program: (argv, env) => (isOurs(argv) ? this.#program(argv, env) : this.#confined(argv, env)),
      console: machine.console,
      graceMs: options.graceMs,
    });
  }

  /** Resolves when what is enabled was started; what user data asks for goes on in the background. */
  async boot(): Promise<void> {
    const machine = this.#machine;
    const { rootDir: root, userData } = machine;
    prepareRoot(root, Date.now());
    linkVolumes(machine);
    const bin = join(root, BIN);
    this.#control = await openControl(bin, (args) => systemctl(this.#units, args, { off: () => machine.powerOff() }));
    writeStandIns(bin, this.#options);
    const asked = machine.firstBoot && userData !== undefined ? parseUserData(userData) : undefined;
    if (asked) writeFiles(root, asked.files, machine.console);
    adaptAgentConfig(root, this.#control.poweroff);
    if (this.#isOver) return;
    await this.#units.boot();
    if (asked) void this.#carryOut(asked.commands, asked.powerOff);
  }

  /** Ends everything that runs in the machine. */
  async halt(force: boolean): Promise<void> {
    this.#isOver = true;
    // What is frozen cannot hear a polite request.
    const atOnce = force || this.#frozen.length > 0;
    for (const pid of this.#frozen) signal(pid, 'SIGKILL');
    await Promise.all([this.#units.end(atOnce), end(this.#commands, { force: true, graceMs: 0 })]);
    await this.#control?.[Symbol.asyncDispose]();
    rmSync(this.#work, { recursive: true, force: true });
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

  get #work(): string {
    return `${this.#machine.rootDir}.work`;
  }

  /** As cloud-init: one after the other, and one that fails does not keep the next from running. */
  async #carryOut(commands: readonly (string | string[])[], powerOff: { condition: string } | undefined) {
    for (const command of commands)
      await this.#command('runcmd', typeof command === 'string' ? ['sh', '-c', command] : command);
    if (powerOff && (await this.#command('condition', ['sh', '-c', powerOff.condition])) === 0)
      await this.#machine.powerOff();
  }

  async #command(what: string, argv: string[]): Promise<number> {
    const { console } = this.#machine;
    if (this.#isOver) return -1;
    // It only speaks to us, so no disk can be harmed.
    const isSystemctl = argv[0] === 'systemctl';
    const running = start(isSystemctl ? this.#program(argv, {}) : this.#confined(argv, {}), (text) =>
      console(`cloud-init: ${text}`),
    );
    this.#commands.push(running);
    const code = await running.ended;
    this.#commands = this.#commands.filter((one) => one !== running);
    if (code !== 0 && !this.#isOver) console(`cloud-init: ${what} ended with ${code}: ${argv.join(' ').slice(0, 200)}`);
    return code;
  }

  /** A command with the machine's disk as `/`. Where that cannot be had it is not run, for it could do harm. */
  #confined(argv: string[], env: Record<string, string>): Program {
    const { rootDir: root } = this.#machine;
    const control = this.#control!.dir;
    if (!canConfine(`${root}.probe`)) {
      rmSync(`${root}.probe`, { recursive: true, force: true });
      return {
        argv: ['sh', '-c', 'echo "not run: this needs root and a kernel with overlays" >&2; exit 126'],
        env: { PATH: HOST_PATH },
      };
    }
    rmSync(`${root}.probe`, { recursive: true, force: true });
    prepare(root, control);
    const path = `/${BIN}${delimiter}${HOST_PATH}${delimiter}${join(process.execPath, '..')}`;
    return {
      argv: confined(argv, { root, work: this.#work, control }),
      env: { ...this.#environment(), PATH: path, HOME: '/root', ...env },
    };
  }

  /** A command that is told by ATRIUM_ROOT and its configuration where its `/` is. */
  #program(argv: string[], env: Record<string, string>): Program {
    const { rootDir: root } = this.#machine;
    const home = join(root, 'root');
    mkdirSync(home, { recursive: true });
    return {
      argv: argv.map((word) => insideOf(root, word)),
      cwd: root,
      env: {
        ...this.#environment(),
        PATH: [join(root, BIN), HOST_PATH].join(delimiter),
        HOME: home,
        ATRIUM_ROOT: root,
        ATRIUM_POWEROFF: this.#control?.poweroff.join(' ') ?? 'false',
        ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, insideOf(root, value)])),
      },
    };
  }

  #environment(): Record<string, string> {
    return {
      LANG: 'C.UTF-8',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: this.#machine.imds,
      ...this.#options.env,
    };
  }
}

/**
 * A path that exists on the machine's disk is meant there, also when it leads on by an absolute link: to another place on
 * it, or out of it, to the folder of a volume or a program of this computer.
 */
function insideOf(root: string, word: string): string {
  if (!word.startsWith('/')) return word;
  const at = join(root, word);
  const stat = lstatSync(at, { throwIfNoEntry: false });
  if (!stat) return word;
  if (!stat.isSymbolicLink()) return at;
  const target = readlinkSync(at);
  if (!target.startsWith('/')) return at;
  if (lstatSync(join(root, target), { throwIfNoEntry: false })) return insideOf(root, target);
  return existsSync(target) ? target : at;
}
