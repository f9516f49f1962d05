import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, Log } from '@atrium/sdk';
import { freePort } from '../../../tools/free-port.ts';
import { type AgentConfig, type AgentDeps, type AgentEnd, parseConfig, runAgent } from './index.ts';
import { type Expected, startTestHub, type TestHub } from './test-hub.ts';
import { type Authority, testAuthority } from './test-identity.ts';
import { type ImdsFacts, startTestImds, type TestImds } from './test-imds.ts';

/** A clock that runs faster than the world's and can jump, as a machine's does when it wakes from hibernation. */
export interface FastClock extends Clock {
  jump(ms: number): void;
}

export function fastClock(speed: number): FastClock {
  const began = Date.now();
  let jumped = 0;
  return {
    now: () => began + (Date.now() - began) * speed + jumped,
    jump: (ms) => {
      jumped += ms;
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const timer = setTimeout(
          () => {
            signal?.removeEventListener('abort', abort);
            resolve();
          },
          Math.min(ms / speed, 2 ** 31 - 1),
        );
        const abort = () => {
          clearTimeout(timer);
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', abort, { once: true });
      }),
  };
}

export interface TestMachine {
  id: string;
  root: string;
  volume: string;
  config: AgentConfig;
  facts: ImdsFacts;
  expected: Expected;
  logs: string[];
  /** Boots it; `stop` is pulling the plug. */
  boot(deps?: Partial<AgentDeps>): { ended: Promise<AgentEnd>; stop(): Promise<AgentEnd>; poweredOff(): number };
}

export interface TestWorld extends AsyncDisposable {
  hub: TestHub;
  imds: TestImds;
  authority: Authority;
  clock: FastClock;
  dir: string;
  machine(n: number, expected?: Partial<Expected>, config?: object): Promise<TestMachine>;
}

/** A server in a few lines of Node: answers `api`, and what `<home>/kernels.json` says as its kernels. */
export const TINY_SERVER = `
const http = require('node:http'); const fs = require('node:fs');
const url = new URL(process.env.JUPYTERHUB_SERVICE_URL);
http.createServer((q, s) => {
  const read = (f) => { try { return fs.readFileSync(f, 'utf8'); } catch { return '[]'; } };
  const path = q.url.split('?')[0];
  if (path.endsWith('/api')) return s.end('{"version":"2"}');
  if (q.url.startsWith('/quit/')) { s.end(); process.exit(Number(q.url.slice(6))); }
  if (q.headers.authorization !== 'token ' + process.env.JUPYTERHUB_API_TOKEN) return s.writeHead(403).end();
  if (path.endsWith('/api/kernels')) return s.end(read('kernels.json'));
  if (path.endsWith('/api/terminals')) return s.end(read('terminals.json'));
  s.writeHead(404).end();
}).listen(Number(url.port), url.hostname);
`;
export const tinyServer = [process.execPath, '-e', TINY_SERVER];

/** Hub, metadata service and machines of folders. */
export async function testWorld(
  options: { speed?: number; tls?: { key: string; cert: string } } = {},
): Promise<TestWorld> {
  const dir = await mkdtemp(join(tmpdir(), 'atrium-agent-'));
  // The servers run as their persons and must reach their homes.
  await chmod(dir, 0o755);
  const clock = fastClock(options.speed ?? 1);
  const authority = await testAuthority();
  const hub = await startTestHub(authority, clock.now, options.tls);
  const imds = await startTestImds();
  const running: { stop(): Promise<AgentEnd> }[] = [];
  const octet = 1 + Math.floor(Math.random() * 250);

  return {
    hub,
    imds,
    authority,
    clock,
    dir,
    async machine(n, expected = {}, config = {}) {
      const id = `i-${String(n).padStart(17, '0')}`;
      const volume = `vol-${String(n).padStart(17, '0')}`;
      const root = join(dir, id);
      const disk = join(dir, volume);
      await mkdir(join(root, 'dev/disk/by-id'), { recursive: true });
      await mkdir(disk, { recursive: true });
      const address = `127.77.${octet}.${1 + (n % 250)}`;
      const document = JSON.stringify({ instanceId: id, privateIp: address, accountId: '111122223333' }, null, 2);
      const facts: ImdsFacts = { address, document, pkcs7: await authority.sign(document), lifeCycle: 'on-demand' };
      const full: Expected = {
        instanceId: id,
        user: `person-${n}`,
        login: `u${n}`,
        uid: 20_000 + n,
        address,
        port: await freePort(address),
        command: tinyServer,
        home: { volume, fresh: true, device: disk, sizeGb: 1 },
        ...expected,
      };
      hub.expect(full);
      const logs: string[] = [];
      const note = (facts: object, message: string) => void logs.push(`${message} ${JSON.stringify(facts)}`);
      const log: Log = { debug: note, info: note, warn: note, error: note };
      const parsed = parseConfig({
        hub: hub.url,
        cluster: 'test',
        machine: 'folders',
        root,
        imds: imds.endpoint(id, facts),
        ...config,
      });
      return {
        id,
        root,
        volume: disk,
        config: parsed,
        facts,
        expected: full,
        logs,
        boot(deps = {}) {
          const plug = new AbortController();
          let off = 0;
          const powerOff = async () => void off++;
          const ended = runAgent(parsed, { clock, log, powerOff, ...deps, signal: plug.signal });
          ended.catch(() => {});
          const machine = {
            ended,
            poweredOff: () => off,
            stop() {
              plug.abort();
              return ended;
            },
          };
          running.push(machine);
          return machine;
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(running.map((one) => one.stop().catch(() => {})));
      await Promise.all([hub, imds, authority].map((one) => one[Symbol.asyncDispose]()));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A new boot id, as a machine has after it was stopped and started. */
export async function reboot(root: string): Promise<void> {
  await mkdir(join(root, 'proc/sys/kernel/random'), { recursive: true });
  await writeFile(join(root, 'proc/sys/kernel/random/boot_id'), `${randomUUID()}\n`);
}
