import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '@atrium/sdk';
import type { Aws } from '../aws/clients.ts';
import { ClusterError } from '../config.ts';
import { allPages } from '../inventory.ts';
import { type ClusterFacts, settingsPath, unpacked } from '../parts/settings.ts';
import { pinOf } from '../probe.ts';
import { nginxConfig } from './nginx.ts';

const run = promisify(execFile);

export interface SettingsInput {
  /** Name of the cluster. */
  cluster: string;
  aws: Aws;
  clock: Clock;
  /** All paths are below it; `/` on a real manager. */
  root: string;
  /** The manager's address inside the network: machines reach the hub by it. */
  privateIp: string;
}

/**
 * On the manager: writes what the parameters say below `/etc/atrium`. Files change only when their text does, and at once.
 * @returns names of the files that changed; none when all is as it was.
 */
export async function writeSettings({ cluster, aws, root, privateIp }: SettingsInput): Promise<string[]> {
  const values = await readParameters(aws, cluster);
  const changed: string[] = [];
  const put = (path: string, text: string, mode = 0o644) => {
    const file = join(root, path);
    if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, text, { mode });
    renameSync(`${file}.new`, file);
    changed.push(path);
  };
  const config = values.get('config');
  const given = values.get('facts');
  if (!config || !given) throw new ClusterError(`The parameters of cluster "${cluster}" are not there yet.`);
  const facts = JSON.parse(given) as ClusterFacts;

  const certificate = values.get('tls-cert');
  const key = values.get('tls-key');
  if (certificate && key) {
    put('etc/atrium/tls/key.pem', key, 0o600);
    put('etc/atrium/tls/cert.pem', unpacked(certificate));
  } else {
    const made = await selfSigned(root, facts.host, privateIp);
    put('etc/atrium/tls/key.pem', made.key, 0o600);
    put('etc/atrium/tls/cert.pem', made.cert);
  }
  const pem = readFileSync(join(root, 'etc/atrium/tls/cert.pem'), 'utf8');
  const known = { ...facts, hubUrl: `https://${privateIp}/hub/`, hubCa: pinOf(new X509Certificate(pem)) };
  put('etc/atrium/cluster.json', `${JSON.stringify(known, null, 2)}\n`);
  put('etc/atrium/atrium.config.ts', unpacked(config));
  put('etc/atrium/nginx.conf', nginxConfig({ root, host: facts.host, privateIp }));
  const secrets = [...values].filter(([name]) => name.startsWith('env-')).sort(([a], [b]) => a.localeCompare(b));
  put('etc/atrium/secrets.env', secrets.map(([name, value]) => `${name.slice(4)}=${quoted(value)}\n`).join(''), 0o600);
  return changed;
}

async function readParameters(aws: Aws, cluster: string): Promise<Map<string, string>> {
  const ssm = await aws.ssm();
  const Path = settingsPath(cluster);
  const found = await allPages(async (NextToken) => {
    const input = { Path, WithDecryption: true, Recursive: true, ...(NextToken ? { NextToken } : {}) };
    const page = await ssm.getParametersByPath(input);
    return { NextToken: page.NextToken, of: page.Parameters };
  });
  return new Map(found.map(({ Name = '', Value = '' }) => [Name.slice(Path.length + 1), Value]));
}

/** As systemd's EnvironmentFile reads it: within double quotes only these need a backslash. */
const quoted = (value: string) => `"${value.replace(/["\\$`]/g, '\\$&')}"`;

/** A certificate of our own making, kept on the hub's disk: a new manager shows the same one. */
async function selfSigned(root: string, host: string, privateIp: string): Promise<{ key: string; cert: string }> {
  const dir = join(root, 'var/lib/atrium/tls');
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  if (!existsSync(key) || !existsSync(cert)) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const isAddress = /^[\d.]+$/.test(host);
    const names = `${isAddress ? 'IP' : 'DNS'}:${host},IP:${privateIp}`;
    await run('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650'],
      ...['-subj', `/CN=${host}`, '-addext', `subjectAltName=${names}`, '-keyout', `${key}.new`, '-out', cert],
    ]);
    renameSync(`${key}.new`, key);
  }
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}
