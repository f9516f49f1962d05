import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLIENT = fileURLToPath(new URL('./control.mjs', import.meta.url));

export interface ControlReply {
  code: number;
  out?: string;
}

/** The machine's end of `systemctl` and `poweroff`: commands in it reach us through a socket of its own. */
export interface Control extends AsyncDisposable {
  /** Folder of its socket. */
  dir: string;
  /** Program and arguments that switch the machine off. */
  poweroff: string[];
}

/** Listens for what the machine's `systemctl` is told, and puts that command into `bin`. */
export async function openControl(bin: string, systemctl: (args: string[]) => Promise<ControlReply>): Promise<Control> {
  // A socket's path must be short, and only the machine's root may come here.
  const dir = mkdtempSync(join(tmpdir(), 'ec2-'));
  const path = join(dir, 'control.sock');
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const answer = async () => {
      const [, ...args] = JSON.parse(await everything(socket)) as string[];
      return systemctl(args);
    };
    answer()
      .catch((error: unknown) => ({ code: 1, out: `${error instanceof Error ? error.message : String(error)}\n` }))
      .then((reply) => socket.end(JSON.stringify(reply)))
      .catch(() => socket.destroy());
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  server.unref();
  const client = [process.execPath, CLIENT, path];
  mkdirSync(bin, { recursive: true });
  const script = (name: string, ...args: string[]) => {
    writeFileSync(join(bin, name), `#!/bin/sh\nexec ${[...client, ...args].join(' ')} "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  };
  script('systemctl', 'systemctl');
  script('poweroff', 'systemctl', 'poweroff');
  return {
    dir,
    poweroff: [...client, 'systemctl', 'poweroff'],
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** What the other end says until it has said all; the socket stays open for the answer, which reading it by loop would prevent. */
function everything(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.once('end', () => resolve(text));
    socket.once('error', reject);
  });
}
