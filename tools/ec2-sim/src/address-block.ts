import { createServer } from 'node:net';

/** A part of 127.77.0.0/16; the number 258 is 127.77.1.2. */
export interface AddressBlock {
  first: number;
  size: number;
}

const SIZE = 4096;
const BLOCKS = 16;
/** Nobody's port: who listens on it at a block's first address has the block. */
const PORT = 7707;

/**
 * A part of the addresses that no other simulator on this computer uses while this one runs; machines of two would answer
 * for each other otherwise. @throws Error when sixteen run already.
 */
export async function claimAddresses(): Promise<AddressBlock & AsyncDisposable> {
  for (let block = 0; block < BLOCKS; block++) {
    const first = block * SIZE;
    const server = createServer((socket) => socket.destroy()).unref();
    const taken = await new Promise<boolean>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) =>
        error.code === 'EADDRINUSE' ? resolve(true) : reject(error),
      );
      server.listen(PORT, `127.77.${first >> 8}.0`, () => resolve(false));
    });
    if (taken) continue;
    return {
      first,
      size: SIZE,
      [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
    };
  }
  throw new Error(`${BLOCKS} simulators with running machines are all that this computer has addresses for`);
}
