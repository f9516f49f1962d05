import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type Client, openClient, until } from '../test-kit.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const FLAGS = ['--ip', '127.0.0.1', '--port', '0', '--api-ip', '127.0.0.1', '--storage-backend', 'memory'];
/** Enough to start with, and soon used up. */
const DESCRIPTORS = 80;
const PING = 'GET /_chp_healthz HTTP/1.1\r\nHost: x\r\n\r\n';

test.skipIf(process.platform !== 'linux')(
  'figures are told while no descriptor is left, but for those that need one; and all of them afterwards',
  async () => {
    const more = ['--metrics-ip', '127.0.0.1', '--metrics-port', '0'];
    const command = `ulimit -n ${DESCRIPTORS}; exec "$0" "$@"`;
    const argv = ['-c', command, process.execPath, '--conditions=atrium-source', MAIN, ...FLAGS, ...more];
    const child = spawn('sh', argv, { env: { PATH: process.env.PATH }, stdio: ['ignore', 'pipe', 'inherit'] });
    const clients: Client[] = [];
    try {
      let said = '';
      child.stdout.on('data', (text) => (said += text));
      await until('it listens', () => said.includes('/metrics'));
      const port = Number(/listening at http:\S+:(\d+)/.exec(said)![1]);
      const metricsPort = Number(/http:\S+:(\d+)\/metrics/.exec(said)![1]);
      const scrape = 'GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
      // Connected before there is nothing left to connect with.
      using asking = await openClient(metricsPort);
      let isFull = false;
      while (!isFull) {
        const client = await openClient(port);
        clients.push(client);
        let over = false;
        client.socket.on('close', () => (over = true)).on('end', () => (over = true));
        client.socket.write(PING);
        await until('it is answered or cut off', () => over || client.received().includes('200 OK'));
        isFull = !client.received().includes('200 OK');
        expect(clients.length).toBeLessThan(DESCRIPTORS);
      }

      asking.socket.write(scrape);
      const full = await asking.ended();
      expect(full).toMatch(/^HTTP\/1\.1 200 /);
      expect(full).toMatch(/^atrium_proxy_connections \d+$/m);
      expect(full).not.toContain('process_open_fds ');
      expect(full).not.toContain('process_resident_memory_bytes ');

      for (const { socket } of clients) socket.destroy();
      await until('there is room again', async () => {
        using later = await openClient(metricsPort);
        later.socket.write(scrape);
        return /^process_open_fds \d+$/m.test(await later.ended());
      });
    } finally {
      for (const { socket } of clients) socket.destroy();
      child.kill('SIGKILL');
    }
  },
);
