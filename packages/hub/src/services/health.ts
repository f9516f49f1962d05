import type { AppContext } from '../context.ts';
import { get } from '../servers/ask.ts';
import { addressOfService } from './address.ts';
import { noteService, type Service } from './services.repo.ts';

const CHECK_MS = 60_000;
const FIRST_PAUSE_MS = 200;
const MOST_PAUSE_MS = 5_000;
const ANSWER_MS = 5_000;

interface Watched {
  url: string;
  /** Something changed: begin anew. */
  again: AbortController;
}

/** Looks whether services answer: often after they began, then once a minute. What is wrong is in their row. */
export function createHealthWatch(ctx: AppContext, signal: AbortSignal) {
  const watched = new Map<string, Watched>();
  const tasks = new Set<Promise<void>>();

  const begin = (name: string, url: string) => {
    watched.get(name)?.again.abort();
    const one: Watched = { url, again: new AbortController() };
    watched.set(name, one);
    const task = follow(ctx, name, url, AbortSignal.any([signal, one.again.signal])).finally(() => tasks.delete(task));
    tasks.add(task);
  };

  return {
    /** These are there now. */
    look(services: readonly Service[]): void {
      const urls = new Map(services.flatMap(({ name, url }) => (url === null ? [] : [[name, url] as const])));
      for (const [name, { again }] of watched) {
        if (urls.has(name)) continue;
        again.abort();
        watched.delete(name);
      }
      for (const [name, url] of urls) if (watched.get(name)?.url !== url) begin(name, url);
    },
    /** Its process is new: it may take a while again. */
    began(name: string): void {
      const one = watched.get(name);
      if (one) begin(name, one.url);
    },
    async idle(): Promise<void> {
      await Promise.all(tasks);
    },
  };
}

async function follow(ctx: AppContext, name: string, url: string, signal: AbortSignal): Promise<void> {
  const { timeout } = ctx.config.services.find((service) => service.name === name) ?? { timeout: 30 };
  const patientUntil = ctx.clock.now() + timeout * 1000;
  let pause = FIRST_PAUSE_MS;
  let told: string | null | undefined;
  while (!signal.aborted) {
    const problem = await ask(ctx, name, url, signal);
    const isEarly = problem !== null && told === undefined && ctx.clock.now() < patientUntil;
    if (!isEarly && problem !== told && !signal.aborted) {
      told = problem;
      await noteService(ctx.db, name, { problem }).catch(() => {});
      if (problem === null) ctx.log.info({ service: name }, 'a service answers');
      else ctx.log.warn({ service: name, problem }, `the service ${name} does not answer`);
    }
    await ctx.clock.sleep(isEarly ? pause : CHECK_MS, signal).catch(() => {});
    pause = Math.min(pause * 2, MOST_PAUSE_MS);
  }
}

/** Null when it answers with anything that is not a failure of its own. */
async function ask(ctx: AppContext, name: string, url: string, signal: AbortSignal): Promise<string | null> {
  try {
    const { status } = await get(addressOfService(url), ctx.urls.service(name), {}, ANSWER_MS, signal);
    return status < 500 ? null : `It answers with status ${status}.`;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return `It does not answer at ${url} (${code ?? message}).`;
  }
}
