import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { freePort } from '../../../../tools/free-port.ts';
import { testPebble } from '../../../../tools/test-machine.ts';
import { startPebble } from '../../../../tools/test-pebble.ts';
import { testDir } from '../test-kit.ts';

const SOON = { timeout: 150_000, interval: 50 };
/** On a busy machine Pebble itself may fail to look a name up, and the proxy then pauses. */
const LONG = { timeout: 600_000, retry: 2 };

/** The operator's command, which also says what it was told. */
const HOOK = `
const [set, clear, seen, verb, name, value] = process.argv.slice(2);
(await import('node:fs')).writeFileSync(seen, JSON.stringify(process.env));
const body = verb === 'present' ? { host: name + '.', value } : { host: name + '.' };
const answer = await fetch(verb === 'present' ? set : clear, { method: 'POST', body: JSON.stringify(body) });
if (!answer.ok) process.exit(1);
`;

/** The command, with what it says. */
function command(args: string[], home: string) {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=atrium-source', main, ...args], {
    env: { PATH: process.env.PATH, HOME: home, CONFIGPROXY_AUTH_TOKEN: 'the-token', KEPT: 'yes' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  const exit = once(child, 'exit');
  return {
    said: () => said,
    signal: (name: NodeJS.Signals) => void child.kill(name),
    exit: async () => (await exit)[0] as number | null,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}

test.skipIf(!testPebble())(
  'the command fetches a certificate, another one on SIGUSR2, and keeps its secrets',
  LONG,
  async () => {
    await using dir = await testDir();
    await using pebble = await startPebble();
    const hook = join(dir.path, 'hook.mjs');
    const seen = join(dir.path, 'seen.json');
    writeFileSync(hook, HOOK);
    const port = await freePort();
    const args = [
      ...['--ip', '127.0.0.1', '--port', String(port), '--api-ip', '127.0.0.1', '--api-port', '0'],
      ...['--acme-email', 'ada@example.org', '--acme-domain', 'hub.example.org', '--acme-directory', pebble.directory],
      ...['--acme-ca', pebble.ca, '--acme-dns-wait', '0'],
      ...['--acme-dns', `exec:${process.execPath} ${hook} ${pebble.dns.set} ${pebble.dns.clear} ${seen}`],
    ];
    const folder = join(dir.path, `.local/state/atrium-proxy/acme-127.0.0.1-${port}`);
    const file = join(folder, 'fetched.pem');
    let tries = 0;
    {
      await using proxy = command(args, dir.path);
      const comes = (times: number) =>
        expect
          .poll(() => {
            // On a busy machine Pebble may fail to look a name up.
            const failures = proxy.said().match(/No certificate for/g)?.length ?? 0;
            if (failures > tries) proxy.signal('SIGUSR2');
            tries = failures;
            return proxy.said().match(/fetched\.pem: a new certificate is served/g)?.length ?? 0;
          }, SOON)
          .toBeGreaterThanOrEqual(times);
      await comes(1);
      const first = new X509Certificate(readFileSync(file)).fingerprint256;
      expect(proxy.said()).toMatch(/certificates are fetched by dns-01: the authority looks at TXT records/);
      expect(proxy.said()).toContain(`listening at https://127.0.0.1:${port}`);
      expect(JSON.parse(readFileSync(seen, 'utf8'))).toMatchObject({ KEPT: 'yes' });
      expect(readFileSync(seen, 'utf8')).not.toContain('the-token');
      expect(statSync(folder).mode & 0o777).toBe(0o700);

      proxy.signal('SIGUSR2');
      await comes(2);
      expect(new X509Certificate(readFileSync(file)).fingerprint256).not.toBe(first);
      proxy.signal('SIGTERM');
      expect(await proxy.exit()).toBe(0);
      expect(proxy.said()).not.toMatch(/PRIVATE KEY|the-token/);
    }

    const state = join(folder, 'acme.json');
    const half = readFileSync(state, 'utf8').slice(0, 400);
    writeFileSync(state, half);
    await using damaged = command(args, dir.path);
    expect(await damaged.exit()).toBe(1);
    expect(damaged.said()).toMatch(/atrium-proxy: \S+acme\.json cannot be used: it is damaged.* It was not touched\./);
    expect(damaged.said()).not.toMatch(/PRIVATE KEY|\n {4}at /);
    expect(readFileSync(state, 'utf8')).toBe(half);
  },
);
