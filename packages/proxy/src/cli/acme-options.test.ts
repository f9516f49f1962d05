import { expect, test } from 'vitest';
import { planOf } from './command-line.ts';
import { UsageError } from './usage.ts';

const HOME = '/home/ada';
const NAMED = ['--acme-email', 'ada@example.org', '--acme-domain', 'hub.example.org'];
const acmeOf = (args: string[], env: Record<string, string> = {}) => {
  const plan = planOf([...NAMED, ...args], { HOME, ...env });
  if (plan.kind !== 'run') throw new Error(`it is ${plan.kind}`);
  return plan.options.acme;
};

test('a name and a mail address are enough', () => {
  const plan = planOf(['--port', '443', ...NAMED, '--acme-domain', 'HUB.example.org', '--redirect-port', '80'], {
    HOME,
  });

  expect(plan).toMatchObject({
    options: {
      tls: undefined,
      redirect: { port: 80 },
      acme: {
        settings: {
          email: 'ada@example.org',
          domains: ['hub.example.org'],
          directory: 'https://acme-v02.api.letsencrypt.org/directory',
          ca: undefined,
          eab: undefined,
          dns: undefined,
        },
        dir: '/home/ada/.local/state/atrium-proxy/acme-all-443',
      },
    },
  });
});

test('each place to listen at has a folder of its own, in the one of whoever runs it', () => {
  expect(acmeOf([], { STATE_DIRECTORY: '/var/lib/p' })?.dir).toBe('/var/lib/p/acme-all-8000');
  expect(acmeOf(['--ip', '::1', '--state-file', '/a/b.json'], { XDG_STATE_HOME: '/x' })?.dir).toBe(
    '/x/atrium-proxy/acme-__1-8000',
  );
  expect(acmeOf(['--acme-state', '/a/b', '--port', '0', '--storage-backend', 'memory'])?.dir).toBe('/a/b');
});

test('names are proved by DNS in either way', () => {
  expect(acmeOf(['--acme-dns', 'exec: /bin/hook  --zone x', '--acme-domain', '*.example.org'])?.settings.dns).toEqual({
    exec: ['/bin/hook', '--zone', 'x'],
    wait: 30,
  });
  expect(acmeOf(['--acme-dns', 'route53'])?.settings.dns).toEqual({
    route53: { zoneId: undefined, region: undefined },
    wait: 300,
  });
  const more = ['--acme-dns-zone', 'Z1', '--acme-dns-region', 'cn-north-1', '--acme-dns-wait', '0'];
  expect(acmeOf(['--acme-dns', 'route53', ...more])?.settings.dns).toEqual({
    route53: { zoneId: 'Z1', region: 'cn-north-1' },
    wait: 0,
  });
});

test('the key of an account comes from the environment, and how clients come from the other options of TLS', () => {
  const acme = acmeOf(['--acme-eab-kid', 'us', '--ssl-request-cert', '--ssl-protocol', 'TLSv1_3'], {
    CONFIGPROXY_ACME_EAB_KEY: 'c2VjcmV0',
  });

  expect(acme?.settings.eab?.kid).toBe('us');
  expect(acme?.settings.eab?.hmacKey.reveal()).toBe('c2VjcmV0');
  expect(JSON.stringify(acme)).not.toContain('c2VjcmV0');
  expect(acme?.tls).toEqual({
    context: { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' },
    requestCert: true,
    rejectUnauthorized: true,
  });
});

const KEY = ['--ssl-key', import.meta.filename, '--ssl-cert', import.meta.filename];
test.each([
  [['--acme-email', 'ada@example.org'], '--acme-domain is missing'],
  [['--acme-domain', 'hub.example.org'], '--acme-email is missing'],
  [['--acme-dns', 'route53'], '--acme-dns says nothing without --acme-domain'],
  [['--acme-state', '/x'], '--acme-state says nothing without --acme-domain'],
  [[...NAMED, '--acme-email', 'ada'], '--acme-email takes a mail address'],
  [[...NAMED, '--acme-email', ''], '--acme-email is empty'],
  [[...NAMED, ...KEY], '--ssl-key and --acme-domain exclude each other'],
  [[...NAMED, '--socket', '/run/p.sock'], 'no port to serve the certificate at'],
  [[...NAMED, '--port', '0'], '--port 0'],
  [[...NAMED, '--storage-backend', 'memory'], 'with --storage-backend memory, name it (--acme-state)'],
  [[...NAMED, '--acme-state', ''], '--acme-state is empty'],
  [[...NAMED, '--acme-domain', 'hub'], '--acme-domain takes a host name'],
  [[...NAMED, '--acme-domain', '10.0.0.12'], '--acme-domain takes a host name'],
  [[...NAMED, '--acme-domain', 'https://hub.example.org'], '--acme-domain takes a host name'],
  [[...NAMED, '--acme-domain', 'münchen.example.org'], '--acme-domain takes a host name'],
  [[...NAMED, '--acme-domain', ''], '--acme-domain takes a host name'],
  [[...NAMED, '--acme-domain', '*.example.org'], 'can be proved by DNS only'],
  [[...NAMED, ...Array.from({ length: 100 }, (_, n) => `--acme-domain=n${n}.example.org`)], 'takes 100 at most'],
  [[...NAMED, '--acme-directory', 'http://ca.example.org/dir'], '--acme-directory takes the https address'],
  [[...NAMED, '--acme-ca', '/nowhere/ca.pem'], '--acme-ca: /nowhere/ca.pem cannot be read'],
  [[...NAMED, '--acme-ca', import.meta.filename], 'no certificate in it'],
  [[...NAMED, '--acme-eab-kid', 'us'], 'in CONFIGPROXY_ACME_EAB_KEY'],
  [[...NAMED, '--acme-dns', 'cloudflare'], '--acme-dns takes route53 or exec:<command>'],
  [[...NAMED, '--acme-dns', 'exec:'], '--acme-dns takes route53 or exec:<command>'],
  [[...NAMED, '--acme-dns-wait', '5'], '--acme-dns-wait says nothing without --acme-dns'],
  [[...NAMED, '--acme-dns', 'exec:/x', '--acme-dns-zone', 'Z1'], 'nothing without --acme-dns route53'],
  [[...NAMED, '--acme-dns', 'route53', '--acme-dns-zone', 'example.org'], 'takes the id of a hosted zone'],
  [[...NAMED, '--acme-dns', 'route53', '--acme-dns-wait', '5m'], '--acme-dns-wait takes a whole number of seconds'],
])('%j is refused in words', (args, words) => {
  expect(() => planOf(args, { HOME })).toThrow(UsageError);
  expect(() => planOf(args, { HOME })).toThrow(words);
});

test('a key that is none is not quoted', () => {
  const env = { HOME, CONFIGPROXY_ACME_EAB_KEY: 'not base64url!' };
  expect(() => planOf([...NAMED, '--acme-eab-kid', 'us'], env)).toThrow(
    new UsageError('CONFIGPROXY_ACME_EAB_KEY is no key in base64url'),
  );
});
