import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that systems give to outgoing connections: there somebody else would have it before the program that is told it. */
const FIRST = 20_000;
const LAST = 32_000;

/** A TCP port that nobody has at the moment, for a program that must be told its port beforehand. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    const probe = createServer().listen(port, host);
    const free = await once(probe, 'listening').then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') throw error;
        return false;
      },
    );
    if (!free) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
}
