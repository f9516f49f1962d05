import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { CommandError } from '../cli/command.ts';
import { writeFileSafely } from '../files/write.ts';
import { explainPort, probePort } from './port.ts';

const ApiAddress = z.strictObject({ host: z.string(), port: z.int().min(1).max(65_535) });
/** Where running servers reach the hub's API. They keep it for their whole life, so it is chosen once. */
export type ApiAddress = z.output<typeof ApiAddress>;

const HOST = '127.0.0.1';
// Below the range from which the kernel hands out ports of outgoing connections, one of which could be in the way later.
const RANGE = [20_000, 32_000] as const;
const ATTEMPTS = 50;

/**
 * The kept address, or a new one that is free now; `isNew` until it is written down.
 * @throws CommandError when the kept one is taken, naming the process.
 */
export async function chooseApiAddress(file: string): Promise<{ address: ApiAddress; isNew: boolean }> {
  const address = readKept(file);
  if (address) {
    const state = await probePort(address.host, address.port);
    if (state === 'free') return { address, isNew: false };
    throw new CommandError(
      explainPort(
        address.host,
        address.port,
        state,
        `Running servers reach the hub through this port. Stop that process; or, when no server runs, remove ${file}, ` +
          'and another port is chosen.',
      ),
    );
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(...RANGE);
    if ((await probePort(HOST, port)) === 'free') return { address: { host: HOST, port }, isNew: true };
  }
  throw new CommandError(`Found no free port on ${HOST} between ${RANGE[0]} and ${RANGE[1]}.`);
}

export function keepApiAddress(file: string, address: ApiAddress): void {
  writeFileSafely(file, `${JSON.stringify(address)}\n`, 0o644);
}

/** For a hub that serves nobody: the kept address, or any, because no server will learn it. */
export function apiUrlOf(file: string, basePath: string): string {
  const { host, port } = readKept(file) ?? { host: HOST, port: 1 };
  return `http://${host}:${port}${basePath}hub/api`;
}

function readKept(file: string): ApiAddress | undefined {
  return existsSync(file) ? ApiAddress.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
}
