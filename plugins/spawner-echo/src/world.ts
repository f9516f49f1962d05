import type { Meter } from '@atrium/sdk';
import type { EchoServer } from './server.ts';
import type { EchoDisks } from './storage.ts';

interface Started {
  server: string;
  generation: number;
  /** ms since the epoch. */
  at: number;
  /** Its pretended machine said so. */
  machineReady: boolean;
}

/** What the echo spawner has "started": the outside world, apart from the plug-in that acts on it. */
export class EchoWorld implements AsyncDisposable {
  readonly #started = new Map<string, Started>();
  readonly #meters = new Map<string, Meter>();
  /** People's pretended storage, by name. */
  readonly disks: EchoDisks = new Map();
  /** Notebooks with a running cell, on every server. */
  running: readonly string[] = [];
  #server: Promise<EchoServer> | undefined;

  get(hubId: string, ref: { server: string; generation: number }): Started | undefined {
    return this.#started.get(keyOf(hubId, ref));
  }

  /** Starting again what is started changes nothing. */
  start(hubId: string, ref: { server: string; generation: number }, at: number, perHour: number | null = null): void {
    const key = keyOf(hubId, ref);
    if (this.#started.has(key)) return;
    this.#started.set(key, { server: ref.server, generation: ref.generation, at, machineReady: false });
    this.#meters.set(key, {
      key,
      kind: 'compute',
      what: 'echo',
      serverId: ref.server,
      perHour,
      since: at,
      minimumMs: 60_000,
    });
  }

  machineReady(hubId: string, ref: { server: string; generation: number }): void {
    const started = this.get(hubId, ref);
    if (started) started.machineReady = true;
  }

  stop(hubId: string, ref: { server: string; generation: number }, at = Date.now()): void {
    const key = keyOf(hubId, ref);
    const meter = this.#meters.get(key);
    if (this.#started.delete(key) && meter) this.#meters.set(key, { ...meter, until: at });
  }

  /** What every start cost, also those that ended. */
  meters(hubId: string): Meter[] {
    return [...this.#meters].filter(([key]) => key.startsWith(`${hubId}/`)).map(([, meter]) => meter);
  }

  all(hubId: string): { server: string; generation: number }[] {
    return [...this.#started]
      .filter(([key]) => key.startsWith(`${hubId}/`))
      .map(([, { server, generation }]) => ({ server, generation }));
  }

  /** The server that answers for all; made when it is first needed. */
  server(make: () => Promise<EchoServer>): Promise<EchoServer> {
    this.#server ??= make();
    return this.#server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#server)?.[Symbol.asyncDispose]();
  }
}

const keyOf = (hubId: string, ref: { server: string; generation: number }) =>
  `${hubId}/${ref.server}.${ref.generation}`;
