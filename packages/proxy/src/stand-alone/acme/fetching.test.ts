import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, type Log, systemClock } from '@atrium/sdk';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../../../../tools/free-port.ts';
import { testPebble } from '../../../../../tools/test-machine.ts';
import { type Pebble, startPebble } from '../../../../../tools/test-pebble.ts';
import { openTls, servedCertificate } from '../../../../../tools/tls-visitor.ts';
import { planOf } from '../../cli/command-line.ts';
import { quiet, testDir, until } from '../../test-kit.ts';
import { type RunningStandAlone, startStandAlone } from '../start.ts';

const SOON = { timeout: 150_000, interval: 50 };
/** On a busy machine Pebble itself may fail to look a name up, and the proxy then pauses. */
const LONG = { timeout: 600_000, retry: 2 };
const NAME = 'hub.example.org';
const MINUTE = 60_000;

/** The operator's command: sets the record in the DNS that Pebble asks. */
const HOOK = `
const [set, clear, verb, name, value] = process.argv.slice(2);
const body = verb === 'present' ? { host: name + '.', value } : { host: name + '.' };
const answer = await fetch(verb === 'present' ? set : clear, { method: 'POST', body: JSON.stringify(body) });
if (!answer.ok) process.exit(1);
`;

/** Goes on from where it is put; short sleeps are shorter, so that what waits in the background goes on. */
function movableClock(): Clock & { set(at: number): void } {
  let ahead = 0;
  return {
    now: () => Date.now() + ahead,
    sleep: (ms, signal) => systemClock.sleep(ms < MINUTE ? 20 : ms, signal),
    set(at) {
      ahead = at - Date.now();
    },
  };
}

/** Everything that is said from `info` on. */
function heard(): Log & { lines: string[] } {
  const lines: string[] = [];
  const at = (_facts: object, text: string) => void lines.push(text);
  return { ...quiet, info: at, warn: at, error: at, lines };
}

interface Place {
  dir: string;
  clock?: Clock;
  log?: Log;
}

/** A proxy as its command line starts it. */
async function start(args: string[], { dir, clock = systemClock, log = quiet }: Place): Promise<RunningStandAlone> {
  const own = ['--ip', '127.0.0.1', '--port', '0', '--api-ip', '127.0.0.1', '--acme-email', 'ada@example.org'];
  const metrics = ['--metrics-ip', '127.0.0.1', '--metrics-port', '0'];
  const plan = planOf([...own, ...metrics, '--acme-state', join(dir, 'acme'), ...args], { HOME: dir });
  if (plan.kind !== 'run') throw new Error('it does not run');
  return startStandAlone({ ...plan.options, clock, log });
}

const of = ({ directory, ca }: Pebble) => ['--acme-directory', directory, '--acme-ca', ca];
const kept = (dir: string) => JSON.parse(readFileSync(join(dir, 'acme/acme.json'), 'utf8'));
const ordered = (pebble: Pebble) => pebble.log().match(/Issued certificate serial/g)?.length ?? 0;

const visit = ({ listening }: RunningStandAlone, ca: string) => ({ port: listening.port!, servername: NAME, ca });

/** On a busy machine Pebble may fail to look a name up; whoever runs the proxy then asks for one more attempt. */
async function patiently(proxy: RunningStandAlone, dir: string): Promise<void> {
  if (kept(dir).state.attempts > 0) await proxy.renewCertificate?.();
}

const figuresOf = async ({ metrics }: RunningStandAlone) =>
  (await fetch(`http://127.0.0.1:${metrics!.port}/metrics`)).text();

describe.skipIf(!testPebble())('a proxy that fetches its certificate by itself', LONG, () => {
  test('by HTTP on its port for redirects; until it is there, browsers get a self-signed one', async () => {
    await using dir = await testDir();
    const redirectPort = await freePort();
    await using pebble = await startPebble({ httpPort: redirectPort });
    const log = heard();
    const args = [...of(pebble), '--acme-domain', NAME, '--acme-domain', 'WWW.example.org'];
    await using proxy = await start([...args, '--redirect-port', String(redirectPort)], { dir: dir.path, log });
    const ca = await pebble.root();

    await expect
      .poll(async () => {
        await patiently(proxy, dir.path);
        return servedCertificate(visit(proxy, ca));
      }, SOON)
      .toMatchObject({ subjectaltname: `DNS:${NAME}, DNS:www.example.org` });

    expect(log.lines).toContain('no certificate has been fetched yet: browsers get a self-signed one until then');
    expect(log.lines.join('\n')).toContain(`port 80 of each name, which must lead to port ${redirectPort} here`);
    for (const [name, mode] of [
      ['acme', 0o700],
      ['acme/acme.json', 0o600],
      ['acme/fetched.pem', 0o600],
    ] as const) {
      expect(statSync(join(dir.path, name)).mode & 0o777).toBe(mode);
    }
    const away = await fetch(`http://127.0.0.1:${redirectPort}/a?b`, { redirect: 'manual' });
    expect(away.status).toBe(301);
    expect(away.headers.get('location')).toBe(`https://127.0.0.1:${proxy.listening.port}/a?b`);
    const figures = await figuresOf(proxy);
    expect(Number(/^atrium_tls_certificate_expiry_seconds (\d+)$/m.exec(figures)?.[1])).toBeGreaterThan(80 * 86_400);
    expect(figures).toMatch(/^atrium_tls_renewal_failures 0$/m);
    expect(figures).toMatch(/^atrium_proxy_certificate_not_after_seconds\{/m);
  });

  test('by TLS, kept over a restart without another order, and renewed while connections stay', async () => {
    await using dir = await testDir();
    const port = await freePort();
    await using pebble = await startPebble({ tlsPort: port });
    const clock = movableClock();
    const ca = await pebble.root();
    const args = ['--port', String(port), ...of(pebble), '--acme-domain', NAME];
    const during = async (log: Log, act: (proxy: RunningStandAlone) => Promise<void>) => {
      await using proxy = await start(args, { dir: dir.path, clock, log });
      await act(proxy);
    };
    await during(quiet, (proxy) =>
      expect
        .poll(async () => {
          await patiently(proxy, dir.path);
          return servedCertificate(visit(proxy, ca));
        }, SOON)
        .toMatchObject({ subjectaltname: `DNS:${NAME}` }),
    );
    const first = kept(dir.path).state;
    const orders = ordered(pebble);

    const log = heard();
    await during(log, async (proxy) => {
      // From the first moment on.
      expect((await servedCertificate(visit(proxy, ca)))?.subjectaltname).toBe(`DNS:${NAME}`);
      const { askAt } = kept(dir.path).state;
      clock.set(Math.max(clock.now(), askAt));
      await expect.poll(() => kept(dir.path).state.askAt, SOON).toBeGreaterThan(clock.now());
      expect(log.lines.join('\n')).not.toMatch(/self-signed|fetching/);
      expect(ordered(pebble)).toBe(orders);

      const stays = await openTls(visit(proxy, ca));
      const before = stays.getPeerCertificate().fingerprint256;
      clock.set(first.renewAt);
      await expect
        .poll(async () => {
          await patiently(proxy, dir.path);
          return (await servedCertificate(visit(proxy, ca)))?.fingerprint256 ?? before;
        }, SOON)
        .not.toBe(before);
      expect(await stays.ask()).toBe('HTTP/1.1 200 OK');
      expect(stays.getPeerCertificate().fingerprint256).toBe(before);
      stays.destroy();
    });
    expect(ordered(pebble)).toBeGreaterThan(orders);
    expect(kept(dir.path).order).toBeUndefined();
  });

  test('by DNS with a command, also for names with a star; as soon as somebody asks for another, it is fetched', async () => {
    await using dir = await testDir();
    await using pebble = await startPebble();
    const hook = join(dir.path, 'hook.mjs');
    writeFileSync(hook, HOOK);
    const exec = `exec:${process.execPath} ${hook} ${pebble.dns.set} ${pebble.dns.clear}`;
    const args = [...of(pebble), '--acme-domain', '*.example.org', '--acme-dns', exec, '--acme-dns-wait', '0'];
    await using proxy = await start(args, { dir: dir.path });
    const ca = await pebble.root();
    const get = async () => {
      await patiently(proxy, dir.path);
      return (await servedCertificate(visit(proxy, ca)))?.fingerprint256;
    };

    await expect.poll(get, SOON).toBeDefined();
    const first = await get();
    await proxy.renewCertificate?.();
    await expect.poll(get, SOON).not.toBe(first);
  });
});

test('a directory that nobody answers at is said, counted and left alone for a while, also after a restart', async () => {
  await using dir = await testDir();
  const clock = movableClock();
  const nowhere = `https://127.0.0.1:${await freePort()}/dir`;
  const during = async (args: string[], act: (proxy: RunningStandAlone, lines: string[]) => Promise<void>) => {
    const log = heard();
    await using proxy = await start(['--acme-directory', nowhere, '--acme-domain', NAME, ...args], {
      ...{ dir: dir.path, clock, log },
    });
    await act(proxy, log.lines);
  };
  const attempts = () => kept(dir.path).state.attempts;

  await during([], async (proxy, lines) => {
    await until('it failed', () => attempts() === 1);
    await until('it is told', () =>
      lines.some((line) => /^No certificate for hub\.example\.org: .*nothing listens there/.test(line)),
    );
    const figures = await figuresOf(proxy);
    expect(figures).toMatch(/^atrium_tls_renewal_failures 1$/m);
    expect(figures).not.toContain('atrium_tls_certificate_expiry_seconds');
  });
  const { nextAt } = kept(dir.path).state;
  expect(nextAt).toBeGreaterThan(clock.now() + 4 * MINUTE);

  await during([], async (_proxy, lines) => {
    expect(lines.join('\n')).toMatch(/the last attempt to fetch a certificate failed: .*nothing listens there/);
    clock.set(nextAt - MINUTE);
    // Many looks of a clock that sleeps shortly.
    await systemClock.sleep(300);
    expect(attempts()).toBe(1);
    clock.set(nextAt);
    await until('it tried again', () => attempts() === 2);
    expect(kept(dir.path).state.nextAt).toBeGreaterThan(clock.now() + 9 * MINUTE);
  });
  // Whoever changed something need not wait, and whoever knows that it works now, neither.
  await during(['--acme-domain', 'www.example.org'], async (proxy) => {
    await until('it tried at once', () => attempts() === 1);
    const before = kept(dir.path).state.nextAt;
    await proxy.renewCertificate?.();
    await until('it tried once more', () => attempts() === 1 && kept(dir.path).state.nextAt !== before);
  });
  expect(existsSync(join(dir.path, 'acme/fetched.pem'))).toBe(true);
  const pem = new X509Certificate(readFileSync(join(dir.path, 'acme/fetched.pem')));
  expect(pem.issuer).toBe(pem.subject);
});

test('a disk that takes nothing more is told once, and the authority is not asked again and again', async () => {
  await using dir = await testDir();
  const clock = movableClock();
  const log = heard();
  const args = ['--acme-directory', `https://127.0.0.1:${await freePort()}/dir`, '--acme-domain', NAME];
  await using proxy = await start(args, { dir: dir.path, clock, log });
  await until('it failed', () => kept(dir.path).state.attempts === 1);
  const { nextAt } = kept(dir.path).state;
  rmSync(join(dir.path, 'acme'), { recursive: true });

  clock.set(nextAt);

  const told = () => log.lines.filter((line) => line.startsWith('could not look after the certificate')).length;
  await until('it is told', () => told() === 1);
  // Many looks of a clock that sleeps shortly.
  await systemClock.sleep(300);
  expect(told()).toBe(1);
  expect((await figuresOf(proxy)).match(/^atrium_tls_renewal_failures 1$/m)).not.toBeNull();
});
