import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { TINY_SERVERS, testCli } from '../testing/cli.ts';

const LONG = 180_000;
const SOON = { timeout: 10_000 };
const hasNginx = spawnSync('nginx', ['-v']).status === 0;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

const withSettings = (settings: string) => TINY_SERVERS.replace('port: 0,', settings);

test('what stands in the way is said', { timeout: LONG }, async () => {
  const print = async (settings: string) => {
    await using cli = testCli(withSettings(settings));
    return (await cli.run(['nginx', 'print'])).err;
  };

  expect(await print('')).toContain('Set publicUrl first');
  expect(await print("tls: 'self-signed',")).toContain('does the encryption itself');
  expect(await print("publicUrl: 'https://hub.example.org',")).toContain("trustedProxies: ['127.0.0.1']");
});

describe.skipIf(!hasNginx)('through a real nginx', () => {
  test('pages, the sign-in’s cookies and a websocket get through, and what a client forges does not', {
    timeout: LONG,
  }, async () => {
    const [port, front] = [await freePort(), await freePort()];
    await using cli = testCli(
      withSettings(`port: ${port}, publicUrl: 'https://localhost:${front}', trustedProxies: ['127.0.0.1'],`),
    );
    const at = (name: string) => join(cli.dir, name);
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
        ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
        ...['-keyout', at('key.pem'), '-out', at('cert.pem')],
      ],
      { stdio: 'ignore' },
    );
    const printed = await cli.run(['nginx', 'print', '--cert', at('cert.pem'), '--key', at('key.pem')]);
    expect(printed).toMatchObject({ code: 0, err: '' });
    writeFileSync(at('site.conf'), printed.out);
    const main = `pid ${at('nginx.pid')}; error_log stderr warn; events {} http { access_log off; include ${at('site.conf')}; }`;
    writeFileSync(at('nginx.conf'), `daemon off; master_process off; ${main}`);
    const tried = spawnSync('nginx', ['-t', '-p', cli.dir, '-c', at('nginx.conf')], { encoding: 'utf8' });
    expect(tried.stderr).not.toContain('[warn]');
    expect(tried).toMatchObject({ status: 0, stderr: expect.stringContaining('test is successful') });

    await cli.run(['user', 'add', 'ada', '--admin', '--password-stdin'], 'correct horse battery');
    await cli.up();
    const nginx = spawn('nginx', ['-p', cli.dir, '-c', at('nginx.conf')], { stdio: 'ignore' });
    try {
      const api = async (method: string, path: string, headers = {}) => fetchInsecure(front, method, path, headers);
      await expect.poll(() => api('GET', '/hub/health').catch(() => undefined), SOON).toMatchObject({ status: 200 });

      const page = await api('GET', '/hub/login', { 'x-forwarded-proto': 'http', 'x-forwarded-for': '203.0.113.7' });
      expect(String(page.headers['set-cookie'])).toContain('Secure');
      const { token } = await cli.json<{ token: string }>('token', 'ada');
      const authorization = { authorization: `token ${token}` };
      await api('POST', '/hub/api/users/ada/server', authorization);
      const ready = async () =>
        JSON.parse((await api('GET', '/hub/api/users/ada', authorization)).body).servers[''].ready;
      await expect.poll(ready, { timeout: 30_000 }).toBe(true);

      const socket: TLSSocket = connect({ port: front, host: '127.0.0.1', rejectUnauthorized: false });
      socket.setEncoding('utf8');
      socket.write(
        `GET /user/ada/ws HTTP/1.1\r\nHost: localhost:${front}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      );
      const [head] = (await once(socket, 'data')) as [string];
      expect(head).toMatch(/^HTTP\/1\.1 101 /);
      socket.write('through both');
      expect((await once(socket, 'data'))[0]).toBe('through both');
      socket.destroy();
    } finally {
      nginx.kill('SIGTERM');
      await once(nginx, 'exit');
    }
  });
});

function fetchInsecure(port: number, method: string, path: string, headers: Record<string, string>) {
  return new Promise<{ status: number | undefined; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      const call = request(
        {
          port,
          host: '127.0.0.1',
          servername: 'localhost',
          method,
          path,
          rejectUnauthorized: false,
          headers: { host: `localhost:${port}`, ...headers },
        },
        (answer) => {
          let body = '';
          answer.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
          answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body }));
        },
      );
      call.on('error', reject).end();
    },
  );
}
