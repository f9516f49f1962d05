import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Address, Json, Observed, ServerIo, Spawner, SpawnUser, Store } from '../spawner.ts';
import { type Doom, doomedAt } from './abandon.ts';
import { type Attempts, memoryStore, testIo, testServerIo } from './io.ts';

/** How the kit's hub opens a plug-in. */
export interface TestHub {
  hubId: string;
  store: Store;
  /** Put every door to the outside through it (a helper, a vendor's client), so that the hub can die at any of them. */
  guard: Doom['guard'];
}

/** One outside world, which outlives every hub that looks at it. */
export interface SpawnerWorld extends AsyncDisposable {
  /** Makes the plug-in anew on this world, as a hub does when it starts. */
  open(hub: TestHub): Promise<Spawner>;
  /** How many servers of this start live outside, found without the plug-in's help. */
  living(serverId: string, generation: number, hubId: string): Promise<number>;
}

const START_MS = 30_000;
const STOP_MS = 20_000;
const POLITE_MS = 5_000;
/** Time for one test that goes through a whole life once per outside call. */
const LIVES_MS = 300_000;

/**
 * What every spawner must do, checked on a real outside world (architecture §4). Call it from a test file:
 * `describeSpawner('process', () => makeWorld())`.
 */
export function describeSpawner(name: string, make: () => Promise<SpawnerWorld>): void {
  describe(`spawner ${name} keeps the contract`, () => {
    let world: SpawnerWorld;
    let ids = 0;
    const newRow = (): Row => {
      ids += 1;
      return { id: `kit${ids}`, attempts: new Map() };
    };
    beforeAll(async () => {
      world = await make();
    });
    afterAll(() => world?.[Symbol.asyncDispose]());

    const store = memoryStore();
    const openHub = (hubId = 'kithub', doom?: Doom) =>
      world.open({ hubId, store: doom?.guard(store) ?? store, guard: doom?.guard ?? ((door) => door) });
    /** A start of a server of its own, as the hub's row would have it. */
    const start = (spawner: Spawner, row = newRow(), generation = 1) => new Start(spawner, row, generation, store);

    test('names and specs are the same whenever they are asked for, and survive JSON', async () => {
      const [one, other] = [await openHub(), await openHub()];
      const user = userOf(one);

      expect(one.identify('abc', 3)).toEqual(other.identify('abc', 3));
      expect(one.identify('abc', 3)).not.toEqual(one.identify('abc', 4));
      expect(one.nameStorage?.(user)).toEqual(other.nameStorage?.(user));
      expect(one.resolve(user, {})).toEqual(other.resolve(user, {}));
      for (const value of [one.identify('abc', 3), one.resolve(user, {})]) expect(viaJson(value)).toEqual(value);
    });

    test('a started server answers, is listed and has a log', async () => {
      const spawner = await openHub();
      const life = start(spawner);

      const { address } = await life.run();

      expect(await answer(address!, `${life.io().server.prefix}api`)).toBeLessThan(500);
      expect(await life.listed()).toMatchObject([
        { serverId: life.row.id, generation: 1, observed: { phase: 'running' } },
      ]);
      const lines = (await spawner.logs?.(life.ref, 5, testIo())) ?? [];
      expect(lines.length).toBeLessThanOrEqual(5);
      await life.end();
      expect(await life.listed()).toEqual([]);
    });

    test('starting twice, and at the same moment, gives one server', async () => {
      const life = start(await openHub());
      const rival = start(await openHub(), life.row);

      await Promise.all([life.ensure(), rival.ensure(), life.ensure()]);
      const first = await life.run();
      const second = await rival.run();

      expect(second.address).toEqual(first.address);
      expect(await life.living(world)).toBe(1);
      await life.end();
    });

    test('stopping twice, and what is not there, is success', async () => {
      const life = start(await openHub());
      const stranger = start(life.spawner);

      expect((await stranger.stop(false)).phase).toBe('absent');
      expect((await stranger.stop(true)).phase).toBe('absent');
      await stranger.destroy();
      await life.run();
      await Promise.all([life.stop(false), life.stop(false)]);
      await life.gone();
      expect((await life.stop(false)).phase).toMatch(/absent|exited/);
      await Promise.all([life.destroy(), life.destroy()]);
      await life.destroy();
      expect((await life.observe()).phase).toBe('absent');
      expect(await life.living(world)).toBe(0);
    });

    test('a stop that overtakes the start leaves nothing running', async () => {
      const life = start(await openHub());

      const starting = life.ensure().catch(() => undefined);
      await life.stop(true);
      await starting;
      await life.gone();

      await expect.poll(() => life.living(world), { timeout: STOP_MS }).toBe(0);
      await life.destroy();
      expect((await life.observe()).phase).toBe('absent');
    });

    test('the next generation starts while the last one is still stopping', async () => {
      const old = start(await openHub());
      await old.run();
      const next = start(old.spawner, old.row, 2);

      await old.stop(false);
      await next.run();
      await old.gone();
      await old.destroy();

      expect((await next.observe()).phase).toBe('running');
      expect([await old.living(world), await next.living(world)]).toEqual([0, 1]);
      expect((await next.listed()).map(({ generation }) => generation)).toEqual([2]);
      await next.end();
    });

    test("another hub's servers are neither listed nor touched", async () => {
      const theirs = start(await openHub('otherhub'));
      await theirs.run();
      const ours = start(await openHub(), theirs.row, 7);

      expect(await ours.listed()).toEqual([]);
      await start(ours.spawner, theirs.row).stop(true);
      await start(ours.spawner, theirs.row).destroy();

      expect((await theirs.observe()).phase).toBe('running');
      expect(await theirs.living(world, 'otherhub')).toBe(1);
      await theirs.end();
    });

    for (const when of ['before', 'after'] as const) {
      for (const wanted of ['running', 'gone'] as const) {
        test(`a hub killed at any outside call, ${when} its effect, and opened anew: ends ${wanted}`, {
          timeout: LIVES_MS,
        }, async () => {
          for (let n = 1; ; n += 1) {
            const doom = doomedAt(n, when);
            const row = newRow();
            let stopping = false;
            const life = (async () => {
              const doomed = start(await openHub('kithub', doom), row).through(doom);
              await doomed.run();
              stopping = true;
              await doomed.end();
            })();
            await Promise.race([
              life.catch((error) => (doom.calls < n ? Promise.reject(error) : doom.dead)),
              doom.dead,
            ]);

            const heir = start(await openHub(), row);
            // The row says what was wanted: a start that a stop has been asked for is never started again.
            if (wanted === 'running' && !stopping) {
              await heir.run();
              expect(await heir.living(world), `living after death at call ${n}`).toBe(1);
            }
            await heir.end();
            await expect.poll(() => heir.living(world), { timeout: STOP_MS }).toBe(0);
            expect(await heir.listed()).toEqual([]);
            if (doom.calls < n) break;
          }
        });
      }
    }
  });
}

/** What the database keeps about one server. */
interface Row {
  id: string;
  attempts: Attempts;
}

/** One start in one hub. */
class Start {
  readonly ref: Json;
  readonly spec: Json;
  readonly spawner: Spawner;
  readonly row: Row;
  readonly generation: number;
  readonly #store: Store;
  #doom: Doom | undefined;

  constructor(spawner: Spawner, row: Row, generation: number, store: Store) {
    this.spawner = spawner;
    this.row = row;
    this.generation = generation;
    this.#store = store;
    // Through JSON, as when they come back from the row.
    this.ref = viaJson(spawner.identify(row.id, generation));
    this.spec = viaJson(spawner.resolve(userOf(spawner), {}));
  }

  through(doom: Doom): this {
    this.#doom = doom;
    return this;
  }

  io(): ServerIo {
    const io = testServerIo(
      { id: this.row.id, generation: this.generation },
      { store: this.#store },
      this.row.attempts,
    );
    if (!this.#doom) return io;
    const { guard } = this.#doom;
    const { save } = guard({ save: io.save });
    return { ...io, clock: guard(io.clock), log: guard(io.log), store: guard(io.store), save };
  }

  ensure = () => this.spawner.ensure(this.ref, this.spec, this.io());
  observe = () => this.spawner.observe(this.ref, this.io());
  stop = (force: boolean) => this.spawner.stop(this.ref, { graceMs: POLITE_MS, force }, this.io());
  destroy = () => this.spawner.destroy(this.ref, this.io());
  living = (world: SpawnerWorld, hubId = 'kithub') => world.living(this.row.id, this.generation, hubId);

  /** Steps until it runs. */
  async run(): Promise<Observed> {
    let seen = await this.ensure();
    for (const until = Date.now() + START_MS; seen.phase !== 'running'; seen = await this.ensure()) {
      if (seen.phase === 'exited' || seen.phase === 'failed' || Date.now() > until) {
        const log = (await this.spawner.logs?.(this.ref, 20, this.io())) ?? [];
        throw new Error(`It does not start: ${JSON.stringify(seen)}\n${log.join('\n')}`);
      }
      await pause();
    }
    return seen;
  }

  /** What a hub does whose row says `stopped`: asks what runs to stop, by force when it takes too long. */
  async gone(): Promise<void> {
    let seen = await this.observe();
    for (const begun = Date.now(); seen.phase !== 'absent' && seen.phase !== 'exited'; seen = await this.observe()) {
      if (Date.now() > begun + STOP_MS) throw new Error(`It does not stop: ${JSON.stringify(seen)}`);
      if (seen.phase !== 'stopping') await this.stop(false);
      if (Date.now() > begun + POLITE_MS) await this.stop(true);
      await pause();
    }
  }

  async end(): Promise<void> {
    await this.stop(false);
    await this.gone();
    await this.destroy();
    expect((await this.observe()).phase).toBe('absent');
  }

  /** What `list` says about this server. */
  async listed() {
    const owned = await Array.fromAsync(this.spawner.list(this.io()));
    return owned.filter(({ serverId }) => serverId === this.row.id);
  }
}

function userOf(spawner: Spawner): SpawnUser {
  const user = { name: 'ada', admin: false, groups: [], uid: 1_900_001_001 };
  return { ...user, storage: spawner.nameStorage?.(user) };
}

const viaJson = (value: Json): Json => JSON.parse(JSON.stringify(value)) as Json;

/** Between two looks at a real outside world; what is waited for always has a deadline of its own. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 15));

/** Asks until somebody answers, and gives the status. */
async function answer(address: Address, path: string): Promise<number> {
  const target = address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port };
  for (const until = Date.now() + START_MS; ; await pause()) {
    const asked = new Promise<number>((resolve, reject) => {
      const sent = request({ ...target, path, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      sent.on('error', reject).end();
    });
    const status = await asked.catch((error: unknown) => {
      if (Date.now() > until) throw error;
      return undefined;
    });
    if (status !== undefined) return status;
  }
}
