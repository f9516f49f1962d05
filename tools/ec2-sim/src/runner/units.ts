import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { end, type Program, type Running, signal, start } from './processes.ts';
import { parseUnit, spanOf, type UnitFile, wordsOf } from './unit-file.ts';

const PLACES = ['etc/systemd/system', 'usr/lib/systemd/system', 'lib/systemd/system'];
const LOOK_MS = 250;
/** As systemd's DefaultRestartSec=. */
const RESTART_MS = 100;

export interface UnitsOptions {
  root: string;
  /** Program, environment and folder of a command of a unit, as they are true in this machine. */
  program(argv: string[], env: Record<string, string>): Program;
  console(text: string): void;
  /** What a service gets to stop by itself. */
  graceMs: number;
}

interface Service {
  running: Running;
  /** False once somebody stopped it: it is not restarted. */
  wanted: boolean;
}

/**
 * The part of systemd that our machines use: services with their ExecStart, conditions, needs and restarts, timers, and
 * units that wait for a path. Their commands are the unit files' own; time is real time.
 */
export class Units {
  readonly #options: UnitsOptions;
  readonly #services = new Map<string, Service>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #isOver = false;
  #isPaused = false;

  constructor(options: UnitsOptions) {
    this.#options = options;
  }

  /** Starts what is enabled. */
  async boot(): Promise<void> {
    const wanted = new Set<string>();
    const dir = join(this.#options.root, 'etc/systemd/system');
    if (!existsSync(dir)) return;
    for (const target of readdirSync(dir).filter((name) => name.endsWith('.target.wants')))
      for (const name of readdirSync(join(dir, target))) wanted.add(name);
    for (const name of wanted) await this.start(name);
  }

  /** Starts a unit and what it needs. A oneshot was carried out when this resolves. @throws Error when there is no such unit. */
  async start(name: string): Promise<void> {
    if (this.#isOver || this.isActive(name)) return;
    const unit = this.#read(name);
    for (const need of wordsOf((unit.Unit?.Requires ?? []).join(' '))) if (need.includes('.')) await this.start(need);
    for (const want of wordsOf((unit.Unit?.Wants ?? []).join(' ')))
      if (this.#pathOf(want) !== undefined) await this.start(want);
    if (name.endsWith('.timer')) this.#startTimer(name, unit);
    else if (name.endsWith('.path')) this.#startPath(name, unit);
    else await this.#startService(name, unit);
  }

  async stop(name: string): Promise<void> {
    const timer = this.#timers.get(name);
    clearInterval(timer);
    this.#timers.delete(name);
    const service = this.#services.get(name);
    if (!service) return;
    service.wanted = false;
    await end([service.running], { force: false, graceMs: this.#options.graceMs });
    this.#services.delete(name);
  }

  /** Carries out its ExecReload, which is a signal to the main process in all of ours. @throws Error when it is none. */
  reload(name: string): void {
    const [command = ''] = this.#read(name).Service?.ExecReload ?? [];
    if (command !== '/bin/kill -HUP $MAINPID') throw new Error(`${name} cannot be reloaded by "${command}".`);
    const pid = this.#services.get(name)?.running.child.pid;
    if (pid !== undefined) signal(pid, 'SIGHUP');
  }

  enable(name: string): void {
    const targets = this.#read(name).Install?.WantedBy ?? [];
    for (const target of targets.flatMap(wordsOf)) {
      const dir = join(this.#options.root, 'etc/systemd/system', `${target}.wants`);
      mkdirSync(dir, { recursive: true });
      rmSync(join(dir, name), { force: true });
      symlinkSync(`../${name}`, join(dir, name));
    }
  }

  disable(name: string): void {
    const dir = join(this.#options.root, 'etc/systemd/system');
    for (const target of readdirSync(dir).filter((one) => one.endsWith('.target.wants')))
      rmSync(join(dir, target, name), { force: true });
  }

  isActive(name: string): boolean {
    return this.#timers.has(name) || this.#services.has(name);
  }

  isKnown(name: string): boolean {
    return this.#pathOf(name) !== undefined;
  }

  /** While the machine is hibernated its timers do not fire. */
  pause(paused: boolean): void {
    this.#isPaused = paused;
  }

  /** Everything that runs here. */
  running(): Running[] {
    return [...this.#services.values()].map(({ running }) => running);
  }

  async end(force: boolean): Promise<void> {
    this.#isOver = true;
    for (const timer of this.#timers.values()) clearInterval(timer);
    this.#timers.clear();
    const services = [...this.#services.values()];
    for (const service of services) service.wanted = false;
    await end(
      services.map(({ running }) => running),
      { force, graceMs: this.#options.graceMs },
    );
    this.#services.clear();
  }

  #pathOf(name: string): string | undefined {
    return PLACES.map((place) => join(this.#options.root, place, name)).find((path) => existsSync(path));
  }

  #read(name: string): UnitFile {
    const path = this.#pathOf(name);
    if (path === undefined) throw new Error(`Unit ${name} not found.`);
    return parseUnit(readFileSync(path, 'utf8'));
  }

  #startTimer(name: string, unit: UnitFile): void {
    const service = unit.Timer?.Unit?.[0] ?? name.replace(/\.timer$/, '.service');
    const run = () => this.#quietly(service);
    const again = () => {
      const every = unit.Timer?.OnUnitActiveSec?.[0];
      if (every !== undefined) this.#timers.set(name, setInterval(run, spanOf(every)).unref());
    };
    const first = setTimeout(
      () => {
        run();
        again();
      },
      spanOf(unit.Timer?.OnBootSec?.[0] ?? unit.Timer?.OnUnitActiveSec?.[0] ?? '0'),
    );
    this.#timers.set(name, first.unref());
  }

  #startPath(name: string, unit: UnitFile): void {
    const path = join(this.#options.root, unit.Path?.PathExists?.[0] ?? '');
    const service = unit.Path?.Unit?.[0] ?? name.replace(/\.path$/, '.service');
    const look = () => {
      if (existsSync(path)) this.#quietly(service);
    };
    this.#timers.set(name, setInterval(look, LOOK_MS).unref());
    look();
  }

  #quietly(name: string): void {
    if (this.#isPaused) return;
    this.start(name).catch((error: unknown) => this.#options.console(`${name}: ${String(error)}`));
  }

  async #startService(name: string, unit: UnitFile): Promise<void> {
    const { root } = this.#options;
    for (const path of unit.Unit?.ConditionPathExists ?? []) if (!existsSync(join(root, path))) return;
    const { Type = ['simple'], ExecStart = [], Environment = [], EnvironmentFile = [], ...rest } = unit.Service ?? {};
    const env: Record<string, string> = {};
    const add = (entry: string) => {
      const at = entry.indexOf('=');
      if (at > 0) env[entry.slice(0, at)] = entry.slice(at + 1);
    };
    for (const word of Environment.flatMap(wordsOf)) add(word);
    for (const file of EnvironmentFile) {
      const path = join(root, file.replace(/^-/, ''));
      if (!existsSync(path) && file.startsWith('-')) continue;
      for (const line of readFileSync(path, 'utf8').split('\n'))
        if (!line.trim().startsWith('#')) add(wordsOf(line.trim()).join(' '));
    }
    for (const dir of rest.RuntimeDirectory ?? []) mkdirSync(join(root, 'run', dir), { recursive: true });
    for (const line of ExecStart) {
      const say = (text: string) => this.#options.console(`${name}: ${text}`);
      const running = start(this.#options.program(wordsOf(line), env), say);
      const service = { running, wanted: true };
      this.#services.set(name, service);
      const ended = running.ended.then((code) => {
        if (this.#services.get(name) === service) this.#services.delete(name);
        const again = rest.Restart?.[0] === 'always' || (rest.Restart?.[0] === 'on-failure' && code !== 0);
        if (code !== 0 && service.wanted) say(`ended with ${code}`);
        if (again && service.wanted && !this.#isOver)
          setTimeout(() => this.#quietly(name), rest.RestartSec?.[0] ? spanOf(rest.RestartSec[0]) : RESTART_MS).unref();
        return code;
      });
      if (Type[0] === 'oneshot' && (await ended) !== 0) throw new Error(`Job for ${name} failed.`);
    }
  }
}
