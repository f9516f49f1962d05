import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Address } from '@atrium/sdk';
import { testDir, until } from '../test-kit.ts';

/** A request that a next hop read to its end. */
export interface Seen {
  method: string;
  target: string;
  bodyLength: number;
}

/** A server behind the proxy that counts what it reads, and answers 202 to what it read whole. */
export interface NextHop extends AsyncDisposable {
  address: Address;
  /** In order; what nginx and haproxy passed on is seen by the server behind them. */
  whole: Seen[];
  /** Everything that the next hop itself took for the beginning of a request, with the status that it gave to it. */
  read(): string[];
}

export const hasNginx = spawnSync('nginx', ['-v']).status === 0;
export const hasHaproxy = spawnSync('haproxy', ['-v']).status === 0;

/** Node's own HTTP server, with llhttp in its strict mode. */
export async function nodeHop(): Promise<NextHop> {
  const dir = await testDir();
  const address = { kind: 'unix', path: join(dir.path, 'node.sock') } as const;
  const whole: Seen[] = [];
  const read: string[] = [];
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, reply) => {
    const at = read.push('begun') - 1;
    let bodyLength = 0;
    request.on('data', (piece: Buffer) => {
      bodyLength += piece.length;
    });
    request.on('error', () => undefined);
    request.on('end', () => {
      read[at] = '202';
      whole.push({ method: request.method!, target: request.url!, bodyLength });
      reply.writeHead(202, { 'content-length': 4 }).end('seen');
    });
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
    // Of one that had begun it is known already.
    if (error.code !== 'ECONNRESET' && read.at(-1) !== 'begun') read.push(String(status));
    if (socket.writable) socket.end(`HTTP/1.1 ${status} x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  server.listen(address.path);
  await once(server, 'listening');
  return {
    address,
    whole,
    read: () => [...read],
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await dir[Symbol.asyncDispose]();
    },
  };
}

/** nginx with its defaults but for the largest body, in front of such a server. */
export async function nginxHop(): Promise<NextHop> {
  return behind('nginx', ({ dir, socket, target, log }) => {
    const conf = join(dir, 'nginx.conf');
    const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${dir}/${name};`,
    );
    writeFileSync(
      conf,
      `daemon off; master_process off; pid ${dir}/nginx.pid; error_log ${dir}/error.log;
events {}
http {
  ${temp.join(' ')}
  log_format read '$status $request';
  access_log ${log} read;
  client_max_body_size 0;
  upstream behind { server unix:${target}; keepalive 4; }
  server {
    listen unix:${socket};
    location / { proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
    );
    return spawn('nginx', ['-p', dir, '-e', `${dir}/error.log`, '-c', conf], { stdio: 'ignore' });
  });
}

/** haproxy with its defaults, in front of such a server. */
export async function haproxyHop(): Promise<NextHop> {
  return behind('haproxy', ({ dir, socket, target, log }) => {
    const conf = join(dir, 'haproxy.cfg');
    writeFileSync(
      conf,
      `global
  log stdout format raw local0
defaults
  mode http
  log global
  log-format "%ST %{+Q}r"
  option dontlognull
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend read
  bind unix@${socket}
  default_backend behind
backend behind
  server one unix@${target}
`,
    );
    const child = spawn('haproxy', ['-db', '-f', conf], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout!.on('data', (piece: Buffer) => writeFileSync(log, piece, { flag: 'a' }));
    return child;
  });
}

interface Place {
  dir: string;
  /** Where it is to listen. */
  socket: string;
  /** The server behind it. */
  target: string;
  /** A line for each request: status, blank, request line. */
  log: string;
}

async function behind(name: string, start: (place: Place) => ChildProcess): Promise<NextHop> {
  const server = await nodeHop();
  const dir = await testDir();
  const socket = join(dir.path, `${name}.sock`);
  const log = join(dir.path, 'requests.log');
  writeFileSync(log, '');
  const child = start({ dir: dir.path, socket, target: (server.address as { path: string }).path, log });
  const ended = once(child, 'exit');
  await until(`${name} listens`, () => {
    if (child.exitCode !== null) throw new Error(`${name} did not start`);
    return answers(socket);
  });
  return {
    address: { kind: 'unix', path: socket },
    whole: server.whole,
    read: () =>
      readFileSync(log, 'latin1')
        .split('\n')
        .filter((line) => line !== ''),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
      await server[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
