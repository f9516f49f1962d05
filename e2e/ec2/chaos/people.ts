import { setTimeout as delay } from 'node:timers/promises';
import type { World } from '@atrium/ec2-sim';
import type { Keeper } from './keeper.ts';
import type { Belongings, Region } from './region.ts';

type Instance = ReturnType<World['instances']['values']> extends Iterable<infer One> ? One : never;

/** How long a person asks again and again before they count as locked out; ms of ours. */
const PATIENCE_MS = 300_000;
/** Between two looks; ms of ours. */
const LOOK_MS = 40;
/** After an answer that is no answer, because no hub is there; ms of ours. */
const HUB_GONE_MS = 50;

/** Their server as the API tells of it. */
export interface Seen {
  ready: boolean;
  pending: string | null;
  stopped: boolean;
}

/** Somebody at the REST API, who does not know that hubs die, and asks again. */
export interface Person {
  readonly name: string;
  /** What they left in their home; undefined before they were there. */
  belongings?: Belongings;
  look(): Promise<Seen>;
  /** Asks once and is answered: by the next hub, when this one dies over it. @returns the status */
  ask(what: 'start' | 'stop', profile?: string): Promise<number>;
  /** Asks as often as it takes. */
  want(state: 'ready' | 'stopped', profile?: string): Promise<void>;
  /** Waits until their server shows as this, without asking for it. */
  see(what: (seen: Seen) => boolean, why: string): Promise<void>;
  /** Their machine, when there is one that is not on its way out. */
  machine(): Instance | undefined;
}

export function personOf({ sim }: Region, keeper: Keeper, name: string): Person {
  const until = Date.now;
  const check = () => {
    if (keeper.problems.length > 0) throw new Error(keeper.problems.join('\n'));
  };

  /** Repeats until a hub answers. */
  async function call(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
    for (const end = until() + PATIENCE_MS; ; ) {
      check();
      await keeper.up();
      try {
        const answer = await fetch(`${keeper.origin}/hub/api${path}`, {
          method,
          headers: {
            authorization: `token ${keeper.token()}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(20_000),
        });
        return { status: answer.status, text: await answer.text() };
      } catch (error) {
        if (until() > end) throw new Error(`no hub answered ${method} ${path}`, { cause: error });
        await delay(HUB_GONE_MS);
      }
    }
  }

  const person: Person = {
    name,
    async look() {
      const { status, text } = await call('GET', `/users/${name}?include_stopped_servers=1`);
      if (status === 404 && (await call('POST', `/users/${name}`)).status < 500) return person.look();
      if (status !== 200) throw new Error(`GET /users/${name} answers ${status}: ${text}`);
      const { servers = {} } = JSON.parse(text) as { servers?: Record<string, Seen> };
      return servers[''] ?? { ready: false, pending: null, stopped: true };
    },
    async ask(what, profile) {
      const body = what === 'start' && profile !== undefined ? { profile } : undefined;
      const { status, text } = await call(what === 'start' ? 'POST' : 'DELETE', `/users/${name}/server`, body);
      // Words for the person, who tries again.
      if (status >= 500 && !text.includes('"spawn_failed"'))
        throw new Error(`asked to ${what}, the hub answers ${status}: ${text}`);
      return status;
    },
    async want(state, profile) {
      let said = '';
      for (const end = until() + PATIENCE_MS; ; ) {
        const seen = await person.look();
        if (seen[state] && !seen.pending) return;
        if (!seen.pending || (state === 'stopped' && seen.pending === 'spawn')) {
          const status = await person.ask(state === 'ready' ? 'start' : 'stop', profile);
          said = `last answer ${status}`;
        }
        if (until() > end)
          throw new Error(`${name} is locked out: not ${state}, but ${JSON.stringify(seen)} (${said})`);
        await delay(LOOK_MS);
      }
    },
    async see(what, why) {
      for (const end = until() + PATIENCE_MS; ; await delay(LOOK_MS)) {
        const seen = await person.look();
        if (what(seen)) return;
        if (until() > end) throw new Error(`${name}: never ${why}, but ${JSON.stringify(seen)}`);
      }
    },
    machine: () =>
      [...sim.world.instances.values()].find(
        (one) =>
          one.tags.get('atrium:user') === name &&
          one.tags.get('atrium:role') === 'worker' &&
          !['terminated', 'shutting-down'].includes(one.state),
      ),
  };
  return person;
}
