import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startTimeOf } from '../files/process-info.ts';
import { NO_SERVERS, type TestCli, TINY_SERVERS, testCli, type Up } from '../testing/cli.ts';

const SOON = { timeout: 15_000, interval: 50 };
const LONG = 180_000;

/** A call to the REST API as an administrator. */
async function adminOf(cli: TestCli) {
  await cli.run(['user', 'add', 'ada', '--admin', '--password-stdin'], 'correct horse battery');
  const { token } = await cli.json<{ token: string }>('token', 'ada');
  return (up: Up, method: string, path: string) =>
    fetch(new URL(`hub/api${path}`, up.url), { method, headers: { authorization: `token ${token}` } });
}

const pageOf = async (up: Up) => (await fetch(new URL('user/ada/', up.url))).text();

describe('atrium up', () => {
  test('says that it is ready, offers the first account, and ends on Ctrl-C', { timeout: LONG }, async () => {
    await using cli = testCli(NO_SERVERS);

    const up = await cli.up();
    const answer = await fetch(new URL('hub/api', up.url));
    await expect.poll(() => up.said(), SOON).toMatch(/http:\/\/127\.0\.0\.1:\d+\/hub\/first-admin\?token=/);

    expect(answer.status).toBe(200);
    expect(await cli.json('status')).toMatchObject({ running: true, url: up.url, hub: { users: 0 } });
    expect(await up.end('SIGINT')).toBe(0);
    expect((await cli.run(['status'])).code).toBe(1);
    expect(existsSync(cli.places.hubSocket)).toBe(false);
  });

  test('a hub that is killed is back within moments, and nobody sees an error', { timeout: LONG }, async () => {
    await using cli = testCli(NO_SERVERS);
    const up = await cli.up();

    for (let round = 0; round < 3; round++) {
      const { hubPid, proxyPid } = up.state();
      process.kill(hubPid!, 'SIGKILL');
      expect((await fetch(new URL('hub/api', up.url))).status).toBe(200);
      await expect.poll(() => up.state().hubPid, SOON).not.toBe(hubPid);
      expect(up.state().proxyPid).toBe(proxyPid);
    }
  });

  test('a proxy that is killed listens on the same port again', { timeout: LONG }, async () => {
    await using cli = testCli(NO_SERVERS);
    const up = await cli.up();

    process.kill(up.state().proxyPid!, 'SIGKILL');

    const status = () =>
      fetch(new URL('hub/api', up.url)).then(
        ({ status }) => status,
        () => 0,
      );
    await expect.poll(status, SOON).toBe(200);
  });

  test('when it is killed itself, hub and proxy go too, and the next one starts', { timeout: LONG }, async () => {
    await using cli = testCli(NO_SERVERS);
    const first = await cli.up();
    const { hubPid, proxyPids } = first.state();
    const all = [hubPid!, ...proxyPids!];

    await first.end('SIGKILL');

    await expect.poll(() => all.filter((pid) => startTimeOf(pid) !== undefined), SOON).toEqual([]);
    const second = await cli.up();
    expect((await fetch(new URL('hub/api', second.url))).status).toBe(200);
  });

  test('a second one on the same data says that the first runs', { timeout: LONG }, async () => {
    await using cli = testCli(NO_SERVERS);
    const up = await cli.up();

    const second = await cli.run(['up']);

    expect(second).toMatchObject({ code: 1, out: '' });
    expect(second.err).toContain(`already runs on ${cli.places.dataDir} at ${up.url} (process ${up.process.pid})`);
  });

  test('a taken port is named, with the process that has it', { timeout: LONG }, async () => {
    await using cli = testCli(NO_SERVERS);
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };

    const refused = await cli.run(['up', '--port', String(port)]);
    other.close();

    expect(refused.code).toBe(1);
    expect(refused.err).toContain(`Port ${port} is taken by`);
    if (process.platform === 'linux') expect(refused.err).toContain(`(process ${process.pid})`);
  });

  test('an address that is none of this machine is named before anything is fetched', { timeout: LONG }, async () => {
    await using cli = testCli('import { defineConfig } from "atrium";\nexport default defineConfig({ port: 0 });');

    const refused = await cli.run(['up', '--host', '192.0.2.1']);

    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toBe('This machine has no address 192.0.2.1. Give one of its own with --host.\n');
  });

  test('a wrong configuration is told before anything listens', { timeout: LONG }, async () => {
    await using cli = testCli(
      "import { defineConfig } from 'atrium';\nexport default defineConfig({ prot: 1 } as never);",
    );

    const refused = await cli.run(['up']);

    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain('prot: unknown setting. Did you mean port?');
  });

  test('it warns when passwords could be read on the way', { timeout: LONG }, async () => {
    await using cli = testCli(NO_SERVERS);

    const up = await cli.up('--host', '0.0.0.0');

    expect(up.said()).toContain('without encryption');
  });

  test('servers outlive it, and the next one takes them over', { timeout: LONG }, async () => {
    await using cli = testCli(TINY_SERVERS);
    const api = await adminOf(cli);
    const first = await cli.up();
    await api(first, 'POST', '/users/ada/server');
    await expect.poll(() => pageOf(first), SOON).toMatch(/^\d+$/);
    const pid = await pageOf(first);
    const apiAddress = readFileSync(cli.places.apiAddressFile, 'utf8');
    expect(await first.end('SIGINT')).toBe(0);

    const second = await cli.up();

    await expect.poll(() => pageOf(second), SOON).toBe(pid);
    expect(readFileSync(cli.places.apiAddressFile, 'utf8')).toBe(apiAddress);
    expect(await cli.json('down', '--servers')).toEqual({ stopped: true, servers: { stopped: 1, left: [] } });
    expect(await second.end()).toBe(0);
  });
});

describe('atrium restart', () => {
  test('a new hub takes over, and an open connection does not notice', { timeout: LONG }, async () => {
    await using cli = testCli(TINY_SERVERS);
    const api = await adminOf(cli);
    const up = await cli.up();
    await api(up, 'POST', '/users/ada/server');
    await expect.poll(() => pageOf(up), SOON).toMatch(/^\d+$/);
    await using socket = await openSocket(up, '/user/ada/');
    const { hubPid } = up.state();

    await cli.json('restart');

    expect(up.state().hubPid).not.toBe(hubPid);
    expect(await socket.echo('still here')).toBe('still here');
    expect((await api(up, 'GET', '/users/ada')).status).toBe(200);
  });

  test('a configuration file that was made after the start counts', { timeout: LONG }, async () => {
    await using cli = testCli();
    mkdirSync(cli.places.dataDir);
    writeFileSync(join(cli.places.dataDir, 'atrium.config.ts'), NO_SERVERS);
    const up = await cli.up();
    writeFileSync(join(cli.dir, 'atrium.config.ts'), NO_SERVERS.replace('({', "({ branding: { name: 'Physics 101' },"));

    await cli.json('restart');

    expect(await (await fetch(new URL('hub/login', up.url))).text()).toContain('Physics 101');
  });

  test('a hub whose configuration is wrong does not replace one that works', { timeout: LONG }, async () => {
    await using cli = testCli(NO_SERVERS);
    const up = await cli.up();
    const { hubPid } = up.state();
    writeFileSync(join(cli.dir, 'atrium.config.ts'), 'export default { idel: {} };');

    const refused = await cli.run(['restart']);

    expect(refused.code).toBe(1);
    expect(refused.err).toContain('idel: unknown setting. Did you mean idle?');
    expect(up.state().hubPid).toBe(hubPid);
    expect((await fetch(new URL('hub/api', up.url))).status).toBe(200);
  });
});

/** An upgraded connection through the proxy, as a kernel's is. */
async function openSocket(up: Up, path: string) {
  const { hostname, port, host } = new URL(up.url);
  const socket: Socket = connect(Number(port), hostname);
  socket.setEncoding('utf8');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
  const [head] = (await once(socket, 'data')) as [string];
  expect(head).toMatch(/^HTTP\/1\.1 101 /);
  return {
    async echo(text: string) {
      socket.write(text);
      return ((await once(socket, 'data')) as [string])[0];
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}
