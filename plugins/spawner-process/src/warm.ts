import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { gate } from './concurrency.ts';
import type { LaunchInput, WarmBasis } from './launch.ts';
import type { Place } from './layout.ts';
import { Template, TemplateFailed, TemplateOutdated, TemplateRefused, type TemplateStart } from './template.ts';
import { type PythonScript, pythonScript } from './warm-command.ts';
import { fingerprint, loadedBy, shellVariables, trusted } from './warm-environment.ts';
import { recall, remember, type Scouted } from './warm-memory.ts';
import { scout, sweepScouts } from './warm-scout.ts';

/** A template older than this is replaced, whatever has become of it. */
const MAX_AGE_MS = 12 * 3_600_000;
/** And one whose own memory has grown by more. */
const MAX_GROWTH_BYTES = 64 * 1024 * 1024;
/** How often templates are looked after. */
const TEND_MS = 10_000;
/** After something went wrong: first, and at most; doubling in between. */
const RETRY_MS = 3_000;
const RETRY_MAX_MS = 900_000;
/** So many modules may turn out to be unsuitable before the environment itself does. */
const MAX_LEFT_OUT = 12;

/** Personal variables: different for everybody, so that modules must not keep what they were for somebody else. */
const PERSONAL = [
  ...['HOME', 'USER', 'LOGNAME', 'PWD', 'JUPYTER_RUNTIME_DIR', 'ATRIUM_SOCKET', 'ATRIUM_LAUNCH', 'JPY_API_TOKEN'],
  ...['API_TOKEN', 'CLIENT_ID', 'USER', 'SERVER_NAME', 'API_URL', 'ACTIVITY_URL', 'BASE_URL', 'SERVICE_PREFIX'].map(
    (name) => `JUPYTERHUB_${name}`,
  ),
  ...['SERVICE_URL', 'OAUTH_CALLBACK_URL', 'OAUTH_SCOPES', 'OAUTH_ACCESS_SCOPES', 'OAUTH_CLIENT_ALLOWED_SCOPES'].map(
    (name) => `JUPYTERHUB_${name}`,
  ),
  ...['HOST', 'PUBLIC_URL', 'PUBLIC_HUB_URL'].map((name) => `JUPYTERHUB_${name}`),
];
/** Read by the loader, the C library or Python itself before any program of ours could set them again. */
const OF_THE_PROCESS = /^(PYTHON|LD_|MALLOC_|GLIBC_TUNABLES$|OPENSSL_)/;

/** Why a start was a cold one. Stable: labels of a metric. */
export type ColdReason = string;
/** How a start was made. */
export type Started = { start: 'warm' | 'cold'; reason: ColdReason; detail: string };
/** What came of asking: `begun` says that a process has this start, and nothing more is to be done. */
export type Tried = (Started & { begun?: true }) | { start: null; reason: ColdReason; detail: string };
export const WarmReport = z.array(
  z.object({
    id: z.string(),
    command: z.string(),
    state: z.enum(['scouting', 'loading', 'ready', 'unsafe', 'failed']),
    pid: z.number().nullable(),
    memoryBytes: z.number().nullable(),
    ageSeconds: z.number().nullable(),
    modules: z.number().nullable(),
    /** What went wrong, or which modules were left out. */
    detail: z.string(),
  }),
);
/** The templates that there are, for people. */
export type WarmReport = z.output<typeof WarmReport>;

interface Entry {
  id: string;
  key: string;
  /** Whether what was learned before may do instead of a scout: not where age or a changed file asks for a new template. */
  trusting: boolean;
  script: PythonScript;
  basis: WarmBasis;
  mark: string;
  state: 'scouting' | 'loading' | 'ready' | 'unsafe' | 'failed';
  template: Template | undefined;
  detail: string;
  work: Promise<void> | undefined;
  failures: number;
  retryAt: number;
}

const cold = (reason: ColdReason, detail: string): Started => ({ start: 'cold', reason, detail });
const says = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** The templates of one process that starts servers: one per Python program and common environment. */
export class WarmStarts {
  #place: Place;
  #entries = new Map<string, Entry>();
  #scripts = new Map<string, Promise<PythonScript | undefined>>();
  /** One scout and one load at a time: they are nobody's start. */
  #turn = gate(1);
  #swept: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Loads a template where there is none yet, and does not wait for it. */
  async prepare(input: WarmBasis): Promise<void> {
    await this.#entryFor(input);
  }

  /** Asks the right template for a start; says why it has to be a cold one where it does. */
  async start(input: LaunchInput, request: TemplateStart): Promise<Tried> {
    if (!input.warm) return cold('off', "start: 'cold'");
    const variable = Object.keys(input.env).find((name) => OF_THE_PROCESS.test(name));
    if (variable) return cold('python_variables', `${variable} is set`);
    const entry = await this.#entryFor(input);
    if (typeof entry === 'string') return cold('command', entry);
    const { template } = entry;
    if (!template?.alive || entry.state !== 'ready') {
      return cold(entry.state === 'unsafe' ? 'unsafe' : 'not_ready', `${entry.state} ${entry.detail}`.trim());
    }
    try {
      const answer = await template.start(request);
      const { start, reason, detail } = answer;
      return start === null ? { start, reason, detail } : { start, reason, detail, begun: true };
    } catch (error) {
      if (error instanceof TemplateOutdated) {
        if (entry.template === template) this.#outdated(entry, says(error));
        return cold('not_ready', says(error));
      }
      if (!(error instanceof TemplateFailed)) template.kill();
      if (!template.alive && entry.template === template) this.#failed(entry, `The template: ${says(error)}`);
      return cold('template', says(error));
    }
  }

  /** What there is, newest figures included. */
  async report(now: number): Promise<WarmReport> {
    return Promise.all(
      [...this.#entries.values()].map(async (entry) => {
        this.#noteDeath(entry);
        const { id, script, state, template, detail } = entry;
        const size = template?.alive ? await template.size().catch(() => undefined) : undefined;
        return {
          ...{
            id,
            command: script.script,
            state,
            detail,
            pid: template?.pid ?? null,
            modules: template?.modules ?? null,
          },
          memoryBytes: size?.memoryBytes ?? null,
          ageSeconds: template ? Math.round((now - template.since) / 1000) : null,
        };
      }),
    );
  }

  /** Ends all templates. The servers that came of them stay. */
  close(): void {
    clearInterval(this.#timer);
    for (const { template } of this.#entries.values()) template?.kill();
    this.#entries.clear();
  }

  async #entryFor(input: WarmBasis): Promise<Entry | string> {
    const { warm, mode } = input;
    if (!warm) return 'off';
    if (mode === 'user-namespace') return 'servers are kept apart by user namespaces, for which there are no templates';
    const [program] = warm.command;
    const name = `${program}\n${warm.environment.PATH}`;
    const script = await (this.#scripts.get(name) ??
      this.#scripts.set(name, pythonScript(warm.command, warm.environment.PATH ?? '')).get(name));
    if (!script) return `${program} is not a Python program that can be loaded before`;
    const key = JSON.stringify([script, warm.command, warm.environment, mode]);
    const mark = await fingerprint(script);
    const known = this.#entries.get(key);
    if (known && known.mark === mark) {
      this.#noteDeath(known);
      if (known.state === 'failed' && !known.work && Date.now() >= known.retryAt) this.#load(known);
      return known;
    }
    known?.template?.retire();
    const { readOnlyPaths, python, address, umask, tmpMb } = input;
    const basis = { mode, warm, readOnlyPaths, python, address, umask, tmpMb };
    const entry: Entry = known ?? {
      basis,
      ...{
        key,
        trusting: true,
        id: String(this.#entries.size + 1),
        script,
        mark,
        state: 'scouting',
        template: undefined,
        detail: '',
      },
      ...{ work: undefined, failures: 0, retryAt: 0 },
    };
    Object.assign(entry, {
      mark,
      template: undefined,
      failures: 0,
      detail: known ? 'The environment has changed.' : '',
    });
    this.#entries.set(key, entry);
    this.#load(entry);
    this.#timer ??= setInterval(() => void this.#tend(), TEND_MS).unref();
    return entry;
  }

  /** Scouts and loads in the background. What is there goes on serving until the new one is ready, unless it is outdated. */
  #load(entry: Entry): void {
    const { mark, basis, key, trusting } = entry;
    entry.trusting = false;
    if (entry.state !== 'ready' || !entry.template?.alive) entry.state = 'scouting';
    entry.work = this.#turn(async () => {
      this.#swept ??= sweepScouts(this.#place).catch(() => {});
      await this.#swept;
      const own = await trusted(entry.script, basis.warm?.environment.PATH ?? '');
      if (own && 'stranger' in own) {
        entry.state = 'unsafe';
        entry.detail = `${own.stranger} is not root's alone, and a template would load it as root.`;
        return;
      }
      const folders = own?.folders ?? null;
      const fill = (scouted: Scouted, known = false) => this.#fill(entry.script, basis, scouted, { folders, known });
      let scouted = trusting ? await recall(this.#place, key, mark) : undefined;
      let filled = scouted && (await fill(scouted, true).catch(() => undefined));
      if (!scouted || !filled) {
        const { passing, ...found } = await scout(basis, entry.script, this.#place);
        scouted = { ...found, leftOut: [] };
        if (entry.state === 'scouting') entry.state = 'loading';
        filled = await fill(scouted);
        filled.passing ||= passing;
      }
      const { template, learned, passing } = filled;
      // Without space for it, the next run of the hub has a scout of its own.
      if (!passing) await remember(this.#place, key, mark, learned).catch(() => {});
      // Meanwhile it may have changed again; then the next one is on its way.
      if (entry.mark !== mark) return template.kill();
      entry.template?.retire();
      Object.assign(entry, { template, state: 'ready', failures: 0 });
      entry.detail = [
        ...(learned.leftOut.length > 0 ? [`Left out: ${learned.leftOut.join(', ')}.`] : []),
        ...(template.withoutKernels ? [`Kernels start cold: ${template.withoutKernels}.`] : []),
      ].join(' ');
    })
      .catch((error: unknown) => {
        if (entry.mark !== mark) return;
        if (error instanceof TemplateRefused) {
          entry.state = 'unsafe';
          entry.detail = says(error);
        } else if (entry.state !== 'ready') this.#failed(entry, says(error));
      })
      .finally(() => {
        if (entry.mark === mark) entry.work = undefined;
      });
  }

  /**
   * Loads a template; what turns out to be unsuitable is left out of the next try. `passing`: something failed that may not
   * another time.
   */
  async #fill(
    script: PythonScript,
    input: WarmBasis,
    scouted: Scouted,
    { folders, known }: { folders: string[] | null; known: boolean },
  ) {
    const root = `/atrium-warm-${randomBytes(8).toString('hex')}`;
    const { modules, missing, kernelModules } = scouted;
    const leftOut = [...scouted.leftOut];
    const recipe = {
      ...script,
      ...{ trusted: folders, known },
      ...{ mode: input.mode, environment: loadedBy(input.warm?.environment ?? {}), root },
      ...{ modules, missing, kernelModules, withoutKernels: scouted.withoutKernels, leftOut },
      markers: Object.fromEntries(PERSONAL.map((name) => [name, `${root}/${name}`])),
      shellVariables: await shellVariables(),
    };
    for (let passing = false; ; ) {
      try {
        const template = await Template.load(recipe, this.#place, Date.now());
        const { kernelModules, withoutKernels } = recipe;
        return { template, learned: { ...scouted, kernelModules, withoutKernels, leftOut }, passing };
      } catch (error) {
        const module = error instanceof TemplateRefused ? error.module : '';
        const one = modules.includes(module) || recipe.kernelModules.includes(module);
        if (one && !leftOut.includes(module) && leftOut.length < MAX_LEFT_OUT) leftOut.push(module);
        // Warm servers with cold kernels are more than nothing.
        else if (recipe.kernelModules.length > 0) {
          Object.assign(recipe, { kernelModules: [], withoutKernels: says(error) });
          passing = !(error instanceof TemplateRefused);
        } else throw error;
      }
    }
  }

  /** A file was changed that the template has loaded. It does not start any more; the next one begins with a scout. */
  #outdated(entry: Entry, why: string): void {
    entry.template = undefined;
    entry.state = 'scouting';
    entry.detail = why;
    if (!entry.work) this.#load(entry);
  }

  #noteDeath(entry: Entry): void {
    if (entry.state === 'ready' && !entry.template?.alive) this.#failed(entry, 'The template died.');
  }

  #failed(entry: Entry, detail: string): void {
    entry.template = undefined;
    entry.state = 'failed';
    entry.trusting = true;
    entry.detail = detail;
    entry.retryAt = Date.now() + Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** entry.failures);
    entry.failures += 1;
  }

  /** Replaces what died, has grown or is old; a new one serves before the old one goes. */
  async #tend(): Promise<void> {
    for (const entry of this.#entries.values()) {
      const { template } = entry;
      if (entry.work) continue;
      if (!template?.alive) {
        this.#noteDeath(entry);
        if (entry.state === 'failed' && Date.now() >= entry.retryAt) this.#load(entry);
        continue;
      }
      const size = await template.size().catch(() => undefined);
      const grown = (size?.privateBytes ?? 0) - template.privateAtFirst > MAX_GROWTH_BYTES;
      if (grown || Date.now() - template.since > MAX_AGE_MS) this.#load(entry);
    }
  }
}
