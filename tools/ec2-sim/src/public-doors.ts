import { connect, createServer, type Server } from 'node:net';
import type { World } from './world.ts';

/** Ports of a machine that are reached from outside. */
const PORTS = [443, 80];

/** Where a public address leads: what arrives there goes on to the machine that has it at that moment, byte by byte. */
export class PublicDoors implements AsyncDisposable {
  readonly #world: World;
  readonly #servers = new Map<string, Server[]>();

  constructor(world: World) {
    this.#world = world;
  }

  open(publicIp: string): void {
    this.#servers.set(
      publicIp,
      PORTS.map((port) => this.#listen(publicIp, port)),
    );
  }

  close(publicIp: string): void {
    for (const server of this.#servers.get(publicIp) ?? []) server.close();
    this.#servers.delete(publicIp);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const publicIp of [...this.#servers.keys()]) this.close(publicIp);
  }

  #listen(publicIp: string, port: number): Server {
    const server = createServer((outside) => {
      const machine = [...this.#world.instances.values()].find((one) => one.publicIp === publicIp);
      if (machine?.state !== 'running') return void outside.destroy();
      const inside = connect(port, machine.privateIp);
      for (const [one, other] of [
        [outside, inside],
        [inside, outside],
      ] as const) {
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroy());
        one.pipe(other);
      }
    });
    server.on('error', () => {});
    server.unref();
    server.listen(port, publicIp);
    return server;
  }
}
