import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { testPebble } from './test-machine.ts';

const READY_MS = 60_000;
const LOOK_MS = 50;
const HOST = '127.0.0.1';

export interface PebbleOptions {
  /** Where it looks for `http-01`, and for `tls-alpn-01`. */
  httpPort?: number;
  tlsPort?: number;
  /** How long its certificates last, seconds. Default 90 days. */
  validSeconds?: number;
  /** Takes only accounts with one of these: key id to HMAC key (base64url). */
  bindings?: Readonly<Record<string, string>>;
  /** Names that it never gives a certificate for. */
  blocked?: readonly string[];
}

export interface Pebble extends AsyncDisposable {
  readonly directory: string;
  /** File with the certificate that signed the directory's own. */
  readonly ca: string;
  /** Adds and removes TXT records: a POST there with `{ host, value }`. */
  readonly dns: { set: string; clear: string };
  /** PEM of the root that its certificates come from; a new one at each start. */
  root(): Promise<string>;
  /** What it answers from now on to who asks when to renew this certificate (PEM); any text. */
  suggest(certificate: string, answer: string): Promise<void>;
  log(): string;
}

/** A real ACME authority, for which every name is this machine. */
export async function startPebble(options: PebbleOptions = {}): Promise<Pebble> {
  const bin = testPebble();
  if (bin === undefined) throw new Error('There is no Pebble on this machine.');
  const dir = mkdtempSync(join(tmpdir(), 'atrium-pebble-'));
  const [port, management, dns, dnsManagement, unused] = await Promise.all([1, 2, 3, 4, 5].map(() => freePort()));
  const own = { cert: join(dir, 'own.pem'), key: join(dir, 'own-key.pem') };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const files = ['-keyout', own.key, '-out', own.cert];
  const names = ['-subj', '/CN=pebble', '-addext', `subjectAltName=IP:${HOST},DNS:localhost`];
  execFileSync('openssl', ['req', '-x509', ...newKey, ...names, ...files], { stdio: 'pipe' });
  const config = {
    listenAddress: `${HOST}:${port}`,
    managementListenAddress: `${HOST}:${management}`,
    certificate: own.cert,
    privateKey: own.key,
    httpPort: options.httpPort ?? unused,
    tlsPort: options.tlsPort ?? unused,
    retryAfter: { authz: 1, order: 1 },
    keyAlgorithm: 'ecdsa',
    domainBlocklist: options.blocked ?? [],
    externalAccountBindingRequired: options.bindings !== undefined,
    externalAccountMACKeys: options.bindings ?? {},
    profiles: { default: { description: 'for tests', validityPeriod: options.validSeconds ?? 90 * 86_400 } },
  };
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ pebble: config }));
  let log = '';
  const start = (name: string, args: readonly string[]) => {
    const env = { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_AUTHZREUSE: '0' };
    const child = spawn(join(bin, name), args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (log += text));
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    return { child, ended };
  };
  const off = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-doh', ''];
  const names4 = [
    '-defaultIPv4',
    HOST,
    '-defaultIPv6',
    '',
    '-dnsserver',
    `${HOST}:${dns}`,
    '-management',
    `${HOST}:${dnsManagement}`,
  ];
  const programs = [
    start('pebble-challtestsrv', [...off, ...names4]),
    start('pebble', ['-config', join(dir, 'config.json'), '-dnsserver', `${HOST}:${dns}`]),
  ];
  const manage = `https://${HOST}:${management}`;
  const ca = readFileSync(own.cert);
  const stop = async () => {
    for (const { child } of programs) child.kill('SIGKILL');
    await Promise.all(programs.map(({ ended }) => ended));
    rmSync(dir, { recursive: true, force: true });
  };
  const directory = `https://${HOST}:${port}/dir`;
  const until = Date.now() + READY_MS;
  for (;;) {
    const ready = await Promise.all([
      call('GET', directory, ca),
      call('GET', `${manage}/roots/0`, ca),
      fetch(`http://${HOST}:${dnsManagement}/http-request-history`, { method: 'POST', body: '{"host":"x"}' }),
    ]).catch(() => undefined);
    if (ready) break;
    if (Date.now() > until || programs.some(({ child }) => child.exitCode !== null)) {
      await stop();
      throw new Error(`Pebble did not start:\n${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return {
    directory,
    ca: own.cert,
    dns: { set: `http://${HOST}:${dnsManagement}/set-txt`, clear: `http://${HOST}:${dnsManagement}/clear-txt` },
    root: () => call('GET', `${manage}/roots/0`, ca),
    async suggest(certificate, answer) {
      await call('POST', `${manage}/set-renewal-info/`, ca, JSON.stringify({ certificate, ariResponse: answer }));
    },
    log: () => log,
    [Symbol.asyncDispose]: stop,
  };
}

function call(method: string, url: string, ca: Buffer, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, ca, agent: false, headers: { 'user-agent': 'atrium-test' } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(`${url}: ${answer.statusCode} ${text}`));
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
