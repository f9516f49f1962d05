import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { NO_SERVERS, type TestCli, TINY_SERVERS, testCli, type Up } from '../packages/atrium/src/testing/cli.ts';
import { freePort } from '../tools/free-port.ts';
import { testPebble } from '../tools/test-machine.ts';
import { type Pebble, startPebble } from '../tools/test-pebble.ts';
import { administrator, apiClient } from './lib/api-client.ts';
import { killHub } from './lib/kill-hub.ts';
import { holderOf, isRunning } from './lib/processes.ts';
import { type Trust, upgraded, visitors } from './lib/visitors.ts';

/** Of a whole test, on a machine that does something else, too; there Pebble itself may fail to look a name up, and the hub then pauses. */
const LONG = { timeout: 600_000, retry: 2 };
const SOON = { timeout: 150_000, interval: 100 };
const NAME = 'hub.example.org';

const settings = (pebble: Pebble, more: object = {}) => ({
  tls: { acme: { email: 'ada@example.org', domains: [NAME], directory: pebble.directory, ca: pebble.ca, ...more } },
});
const configured = (base: string, more: object) => base.replace('port: 0,', `port: 0, ...${JSON.stringify(more)},`);

/** A whole handshake, or one that resumes `session`. */
function handshake(url: URL, trust: Trust, session?: Buffer): Promise<TLSSocket> {
  const socket = connect({ host: url.hostname, port: Number(url.port), ...trust, ...(session && { session }) });
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', () => resolve(socket)).once('error', reject);
  });
}

/** Of the certificate that is served to who comes now; undefined while the authority has not signed it. */
async function fingerprint(url: URL, trust: Trust): Promise<string | undefined> {
  const socket = await handshake(url, trust).catch(() => undefined);
  const served = socket?.getPeerCertificate().fingerprint256;
  socket?.destroy();
  return served;
}

/** What a request on an open session of HTTP/2 is answered. */
function ask(session: ClientHttp2Session, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path, ':authority': NAME });
    stream.on('response', (head) => resolve(Number(head[':status']))).on('error', reject);
    stream.resume();
  });
}

function echo(socket: Socket, text: string): Promise<string> {
  const answer = new Promise<string>((resolve, reject) => {
    socket.once('data', (chunk) => resolve(String(chunk))).once('error', reject);
  });
  socket.write(text);
  return answer;
}

/** A server of Ada's that runs. The API is asked by the port that servers have: it speaks without TLS. */
async function startServer(cli: TestCli, up: Up, token: string): Promise<void> {
  const { host, port } = JSON.parse(readFileSync(cli.places.apiAddressFile, 'utf8')) as { host: string; port: number };
  const api = apiClient({ ...up, url: `http://${host}:${port}/` }, token);
  await api('POST', '/users', { usernames: ['ada'] });
  await api('POST', '/users/ada/server');
  const isReady = async () =>
    ((await (await api('GET', '/users/ada')).json()) as { servers?: { '': { ready: boolean } } }).servers?.['']?.ready;
  await expect.poll(isReady, SOON).toBe(true);
}

describe.skipIf(!testPebble() || process.platform !== 'linux')('an installation with a certificate by ACME', () => {
  test('TLS itself proves the name; renewal, replacement and the death of a process lose nobody who need not be lost', {
    ...LONG,
  }, async () => {
    const port = await freePort();
    await using pebble = await startPebble({ tlsPort: port });
    chmodSync(join(pebble.ca, '..'), 0o755);
    await using cli = testCli(configured(TINY_SERVERS, { ...settings(pebble), port, workers: 2, drain: '1h' }));
    const token = await administrator(cli);
    const up = await cli.up();
    const url = new URL('user/ada/', up.url);
    const trust = { ca: await pebble.root(), servername: NAME };
    const news = () => cli.json<{ problem: string | null; notAfter: number | null }>('certificate');

    // Issued, with HTTP/2 beside the challenge at one port.
    await expect.poll(() => fingerprint(url, trust), SOON).toBeDefined();
    const first = await fingerprint(url, trust);
    await startServer(cli, up, token);
    await expect.poll(() => up.state().proxyPids?.length, SOON).toBe(2);
    const session = connectHttp2(url, trust);
    // Told by the next request.
    session.on('error', () => {});
    const socket = await upgraded(url, trust);
    expect([await ask(session, '/hub/health'), session.alpnProtocol]).toEqual([200, 'h2']);

    // Renewed: who comes gets the new one, who is there stays with the old one.
    expect(await cli.json('certificate', '--renew')).toMatchObject({ problem: null });
    await expect.poll(async () => (await fingerprint(url, trust)) ?? first, SOON).not.toBe(first);
    const second = await fingerprint(url, trust);
    expect(await ask(session, '/user/ada/')).toBe(200);
    expect(await echo(socket, 'still here')).toBe('still here');
    expect((socket as TLSSocket).getPeerCertificate().fingerprint256).toBe(first);
    expect(await news()).toMatchObject({ problem: null, notAfter: expect.any(Number) });

    // Replaced under load: nobody is refused or cut off, whichever process they were with.
    const before = up.state();
    const people = visitors(url, { kept: 3, fresh: 2, sockets: 3 }, trust);
    await cli.json('restart', '--proxy');
    const { kept, fresh, echoed } = people;
    const allGoOn = () => people.kept > kept + 10 && people.fresh > fresh + 10 && people.echoed > echoed + 10;
    await expect.poll(allGoOn, SOON).toBe(true);
    await people.end();
    expect(people.faults).toEqual([]);
    const pids = up.state().proxyPids!;
    expect(pids.filter((pid) => before.proxyPids!.includes(pid))).toEqual([]);
    expect(await echo(socket, 'drained later')).toBe('drained later');
    expect(await fingerprint(url, trust)).toBe(second);
    socket.destroy();
    session.destroy();

    // Whichever of the two a browser comes back to resumes its session, in a tenth of the time.
    const whole = await handshake(url, { ...trust });
    const ticket = await new Promise<Buffer>((resolve) => whole.once('session', resolve));
    whole.destroy();
    const held = new Map<number, Socket[]>(pids.map((pid) => [pid, []]));
    while ([...held.values()].some((sockets) => sockets.length === 0)) {
      const again = await handshake(url, trust, ticket);
      expect(again.isSessionReused()).toBe(true);
      again.destroy();
      // Of connections one after the other the same process may take every one.
      const some = await Promise.all(Array.from({ length: 8 }, () => upgraded(url, trust)));
      for (const one of some) held.get(holderOf(one, pids)!)!.push(one);
    }

    // One is killed: its own connections end, the other's go on, and who comes is served by whoever is there.
    const [killed, other] = pids as [number, number];
    const cut = held
      .get(killed)!
      .map((one) => new Promise((resolve) => one.on('close', resolve).on('error', () => {})));
    process.kill(killed, 'SIGKILL');
    await Promise.all(cut);
    for (const one of held.get(other)!) expect(await echo(one, 'and here')).toBe('and here');
    for (let time = 0; time < 5; time += 1) expect(await fingerprint(url, trust)).toBe(second);
    await expect.poll(() => up.state().proxyPids?.filter((pid) => !pids.includes(pid)).length, SOON).toBe(1);
    expect(isRunning(other)).toBe(true);
    for (const one of held.get(other)!) one.destroy();
  });

  test('a hub that is killed in the middle of an order is followed by one that goes on with it, by the same account', {
    ...LONG,
  }, async () => {
    await using pebble = await startPebble();
    chmodSync(join(pebble.ca, '..'), 0o755);
    await using cli = testCli();
    const [hook, asked, go] = ['hook.mjs', 'asked', 'go'].map((name) => join(cli.dir, name)) as [
      string,
      string,
      string,
    ];
    // The operator's command, which takes its time; it ends with the hub that ran it.
    writeFileSync(
      hook,
      `import { existsSync, writeFileSync } from 'node:fs';
      const [verb, name, value] = process.argv.slice(2);
      const hub = process.ppid;
      if (verb === 'present') {
        writeFileSync(${JSON.stringify(asked)}, '');
        while (!existsSync(${JSON.stringify(go)})) {
          if (process.ppid !== hub) process.exit(1);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
      const url = verb === 'present' ? ${JSON.stringify(pebble.dns.set)} : ${JSON.stringify(pebble.dns.clear)};
      const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ host: name + '.', value }) });
      process.exit(answer.ok ? 0 : 1);`,
    );
    // As root, the hub's account is another.
    chmodSync(cli.dir, 0o777);
    const dns = { exec: [process.execPath, hook], wait: 0 };
    writeFileSync(join(cli.dir, 'atrium.config.ts'), configured(NO_SERVERS, settings(pebble, { dns })));
    const up = await cli.up();
    await expect.poll(() => existsSync(asked), SOON).toBe(true);

    await killHub(up);
    writeFileSync(go, '');

    const trust = { ca: await pebble.root(), servername: NAME };
    await expect.poll(() => fingerprint(new URL(up.url), trust), SOON).toBeDefined();
    expect(await cli.json('certificate')).toMatchObject({ problem: null, attempts: 0 });
    expect(pebble.log().match(/There are now (\d+) accounts in memory/g)).toHaveLength(1);
    expect(pebble.log().match(/There are now (\d+) orders in the db/g)).toHaveLength(1);
  });
});
