import type { EchoServer } from './server.ts';

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
  #server: Promise<EchoServer> | undefined;

  get(hubId: string, ref: { server: string; generation: number }): Started | undefined {
    return this.#started.get(keyOf(hubId, ref));
  }

  /** Starting again what is started changes nothing. */
  start(hubId: string, ref: { server: string; generation: number }, at: number): void {
    const key = keyOf(hubId, ref);
    if (!this.#started.has(key))
      this.#started.set(key, { server: ref.server, generation: ref.generation, at, machineReady: false });
  }

  machineReady(hubId: string, ref: { server: string; generation: number }): void {
    const started = this.get(hubId, ref);
    if (started) started.machineReady = true;
  }

  stop(hubId: string, ref: { server: string; generation: number }): void {
    this.#started.delete(keyOf(hubId, ref));
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
