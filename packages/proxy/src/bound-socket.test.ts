import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { bindSocket } from './bound-socket.ts';

/** Greets whoever comes to one of the sockets that it got. */
const GREETER = `
  for (const fd of process.argv.slice(1)) require('node:net')
    .createServer((socket) => socket.end(process.env.GREETING))
    .listen({ fd: Number(fd) }, () => process.send('ready'));
  process.on('disconnect', () => process.exit(0));
`;

async function greeter(greeting: string, fd: number): Promise<AsyncDisposable & { child: ChildProcess }> {
  const child = spawn(process.execPath, ['-e', GREETER, '4', '5'], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', fd, fd],
    env: { ...process.env, NODE_OPTIONS: '', GREETING: greeting },
  });
  await once(child, 'message');
  await once(child, 'message');
  return {
    child,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** What a connection is told. */
async function told(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}

test('who comes while nobody listens waits, and is answered by the next process', { timeout: 60_000 }, async () => {
  const bound = await bindSocket({ host: '127.0.0.1', port: 0 });
  try {
    const { port } = bound;
    const first = await greeter('first', bound.fd);
    expect(await told(connect(port, '127.0.0.1'))).toBe('first');

    await first[Symbol.asyncDispose]();
    const waiting = Array.from({ length: 5 }, () => connect(port, '127.0.0.1'));
    await Promise.all(waiting.map((socket) => once(socket, 'connect')));
    await using _second = await greeter('second', bound.fd);

    expect(await Promise.all(waiting.map(told))).toEqual(Array(5).fill('second'));
  } finally {
    bound.close();
  }
});

test('the address :: is there for both families', { timeout: 60_000 }, async (context) => {
  const bound = await bindSocket({ host: '::', port: 0 }).catch((error: NodeJS.ErrnoException) => error);
  if (bound instanceof Error) return context.skip(`this machine has no IPv6: ${bound.message}`);
  try {
    await using _greeter = await greeter('hello', bound.fd);

    expect(await told(connect(bound.port, '127.0.0.1'))).toBe('hello');
    expect(await told(connect(bound.port, '::1'))).toBe('hello');
  } finally {
    bound.close();
  }
});

test('an address that cannot be had is named', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };

  await expect(bindSocket({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE', port });
  other.close();
  await expect(bindSocket({ host: '203.0.113.1', port: 0 })).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
});
