import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { isRoot, type Mode, type Place } from './layout.ts';
import { openLog } from './logs.ts';
import { signal } from './processes.ts';

const PYTHON = fileURLToPath(new URL('../py', import.meta.url));
const SCRIPTS = fileURLToPath(new URL('../sh', import.meta.url));
const TOOL_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
/** Importing a big environment for the first time, from a slow disk, on a busy machine. */
const LOAD_MS = 180_000;
/** From the request to the server's own program, beside many others on a small machine. Then it is a cold start. */
const START_MS = 20_000;
/** What a template needs to become somebody else in namespaces of their own, and to see to it that they end. */
const RIGHTS = ['sys_admin', 'setuid', 'setgid', 'setpcap', 'dac_read_search', 'kill', 'sys_nice'];

const Ready = z.union([
  z.object({
    ready: z.literal(true),
    modules: z.int(),
    withoutKernels: z.string(),
    memoryBytes: z.number(),
    privateBytes: z.number(),
  }),
  z.object({ refused: z.literal(true), module: z.string(), why: z.string() }),
]);
const Size = z.object({ memoryBytes: z.number(), privateBytes: z.number(), residentBytes: z.number() });
export type Size = z.output<typeof Size>;
const Answer = z.object({
  id: z.int(),
  ok: z.boolean(),
  start: z.enum(['warm', 'cold']).nullish(),
  reason: z.string().optional(),
  detail: z.string().optional(),
});

/** How a template is loaded. Holds nothing secret: it is in the memory of every server that comes of it. */
export interface Recipe {
  interpreter: string[];
  script: string;
  mode: Mode;
  /** The variables that all servers have in common, by which the template is loaded. */
  environment: Record<string, string>;
  /** Personal variables, each with what stands for it while the template is loaded. */
  markers: Record<string, string>;
  /** What all markers begin with. */
  root: string;
  modules: string[];
  missing: string[];
  /** What kernels need, which are forked beside servers. */
  kernelModules: string[];
  /** Why they are not, where that was found out before; '' otherwise. */
  withoutKernels: string;
  /** Whether one was loaded from just this before. */
  known: boolean;
  leftOut: string[];
  /** Folders that modules may come from, as root; null otherwise. */
  trusted: string[] | null;
  shellVariables: Record<string, string>;
}

/** One start, as the template is asked for it: what it may know, and what only the child reads. */
export interface TemplateStart {
  open: {
    launches: string;
    name: string;
    logs: string;
    log: string;
    cgroups: string[];
    uid: number;
    umask: string;
    home: string;
  };
  secret: { command: string[]; env: Record<string, string> };
}

/** `null`: somebody else has this start already. */
export type TemplateAnswer = { start: 'warm' | 'cold' | null; reason: string; detail: string };

/** The environment cannot be preloaded with this module in it. */
export class TemplateRefused extends Error {
  readonly module: string;
  constructor(module: string, why: string) {
    super(`${module} ${why}`);
    this.module = module;
  }
}

/** A template could not do what it was asked for; the start has to be a cold one. */
export class TemplateFailed extends Error {}

/** A file of what it has loaded is another one by now. It starts nothing more. */
export class TemplateOutdated extends TemplateFailed {}

/** A process that has imported a notebook server, and forks one child per start (`py/template.py`). */
export class Template {
  readonly pid: number;
  readonly modules: number;
  /** Why it cannot have kernels forked; '' when it can. */
  readonly withoutKernels: string;
  readonly privateAtFirst: number;
  readonly since: number;
  #child: ChildProcess;
  #door: Socket;
  #last = 0;
  #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  /** First processes of starts that are under way. */
  #firsts = new Map<number, number>();
  #ended = false;

  private constructor(
    child: ChildProcess,
    door: Socket,
    ready: { modules: number; withoutKernels: string; privateBytes: number },
    now: number,
  ) {
    this.pid = child.pid ?? 0;
    this.modules = ready.modules;
    this.withoutKernels = ready.withoutKernels;
    this.privateAtFirst = ready.privateBytes;
    this.since = now;
    this.#child = child;
    this.#door = door;
  }

  /** Starts and loads one. Rejects with `TemplateRefused`, or with what went wrong. */
  static async load(recipe: Recipe, place: Place, now: number): Promise<Template> {
    const { handle } = await openLog(place, 'warm-template');
    const [program = '', ...args] = commandOf(recipe);
    const locale = Object.entries(recipe.environment).filter(([name]) => /^(LANG|LC_ALL|LC_CTYPE)$/.test(name));
    let child: ChildProcess;
    try {
      child = spawn(program, args, {
        cwd: '/',
        env: { PATH: TOOL_PATH, HOME: recipe.markers.HOME ?? '/', ...Object.fromEntries(locale) },
        // A session of its own: Ctrl-C in the hub's terminal does not reach it. It ends with the hub, by its closed door.
        detached: true,
        stdio: ['ignore', handle.fd, handle.fd, 'pipe'],
      });
      await once(child, 'spawn');
    } finally {
      await handle.close();
    }
    const door = child.stdio[3] as Socket;
    child.unref();
    door.unref();
    door.on('error', () => {});
    const lines = linesOf(door);
    const late = setTimeout(() => child.kill('SIGKILL'), LOAD_MS);
    try {
      door.write(frame({ ...recipe, scripts: SCRIPTS, nice: isRoot() ? getPriority() : null }));
      door.ref();
      const { value } = await lines.next();
      if (value === undefined) throw new TemplateFailed('It ended while it was loaded; its log says why.');
      const ready = Ready.parse(JSON.parse(value));
      if ('refused' in ready) throw new TemplateRefused(ready.module, ready.why);
      const template = new Template(child, door, ready, now);
      template.#listen(lines).catch(() => template.kill());
      return template;
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      clearTimeout(late);
      door.unref();
    }
  }

  get alive(): boolean {
    return !this.#ended;
  }

  async #listen(lines: AsyncGenerator<string, undefined>): Promise<void> {
    try {
      for await (const line of lines) {
        const answer = JSON.parse(line) as { id: number; first?: number };
        if (answer.first !== undefined) {
          this.#firsts.set(answer.id, answer.first);
          continue;
        }
        this.#firsts.delete(answer.id);
        this.#waiting.get(answer.id)?.resolve(answer);
        this.#waiting.delete(answer.id);
      }
    } finally {
      this.#ended = true;
      for (const id of this.#waiting.keys()) this.#endFirst(id);
      for (const one of this.#waiting.values()) one.reject(new TemplateFailed('It ended.'));
      this.#waiting.clear();
    }
  }

  /** A start that nobody waits for any more must not come up later; with its first process, all of it ends. */
  #endFirst(id: number): void {
    const pid = this.#firsts.get(id);
    this.#firsts.delete(id);
    if (pid !== undefined) signal(pid, 'SIGKILL');
  }

  async #ask(message: object, rest: Buffer, ms: number): Promise<unknown> {
    if (this.#ended) throw new TemplateFailed('It has ended.');
    this.#last += 1;
    const id = this.#last;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    // One that does not answer will not answer the next one either.
    const late = setTimeout(() => {
      this.#endFirst(id);
      answer.reject(new TemplateFailed(`It did not answer within ${ms / 1000} s.`));
      this.kill();
    }, ms);
    this.#door.write(Buffer.concat([frame({ ...message, id }), rest]));
    return answer.promise.finally(() => clearTimeout(late));
  }

  /** Asks for one start. Rejects with `TemplateFailed`: nothing runs then, or what runs has claimed the launch. */
  async start({ open, secret }: TemplateStart): Promise<TemplateAnswer> {
    const body = Buffer.from(JSON.stringify(secret));
    const given = await this.#ask({ op: 'start', ...open, length: body.length }, body, START_MS);
    const { ok, start = null, reason = '', detail = '' } = Answer.parse(given);
    if (!ok && reason === 'changed') {
      this.#ended = true;
      const outdated = new TemplateOutdated(detail);
      // It reads no more: what nothing was forked for yet would wait in vain.
      for (const [id, waiting] of this.#waiting) if (!this.#firsts.has(id)) waiting.reject(outdated);
      throw outdated;
    }
    if (!ok) throw new TemplateFailed(`${reason}: ${detail}`);
    return { start, reason, detail };
  }

  async size(): Promise<Size> {
    return Size.parse(await this.#ask({ op: 'size' }, Buffer.alloc(0), START_MS));
  }

  /** No more starts; it ends when the servers that came of it have. */
  retire(): void {
    if (!this.#ended) this.#door.write(frame({ op: 'retire', id: 0 }));
    this.#ended = true;
  }

  /** At once. Its servers stay. */
  kill(): void {
    this.#ended = true;
    this.#child.kill('SIGKILL');
  }
}

/** Eight digits with the length, then so many bytes of JSON. */
function frame(message: object): Buffer {
  const text = Buffer.from(JSON.stringify(message));
  return Buffer.concat([Buffer.from(String(text.length).padStart(8, '0')), text]);
}

function commandOf({ interpreter }: Recipe): string[] {
  const program = [...interpreter, join(PYTHON, 'template.py')];
  if (!isRoot()) return program;
  const rights = ['-all', ...RIGHTS.map((name) => `+${name}`)].join(',');
  return ['nice', '-n', '10', 'setpriv', '--no-new-privs', '--inh-caps=-all', `--bounding-set=${rights}`, ...program];
}

async function* linesOf(door: Socket): AsyncGenerator<string, undefined> {
  let text = '';
  for await (const chunk of door) {
    text += String(chunk);
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    yield* lines;
  }
  return undefined;
}
