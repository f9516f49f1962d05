import { readFileSync } from 'node:fs';
import { parseConfig } from '../config.ts';
import { AgentError } from '../errors.ts';
import { quote } from '../machine/linux/quote.ts';
import { cloudConfig, type WrittenFile } from './yaml.ts';

/** A file on the web; believed only with this content. */
export interface Download {
  url: string;
  /** 64 hexadecimal digits. */
  sha256: string;
}

/** What a plain image needs to become a worker. */
export interface AgentSource {
  /** The bundle: `atrium-agent.mjs`. */
  agent: Download;
  /** Node's archives by machine type; without, the distribution's package, which must be version 22 or newer. */
  node?: { x64?: Download; arm64?: Download };
  /** What pip installs; pinned. */
  packages?: readonly string[];
  /** Further options of `pip install`, such as an index of one's own. */
  pipOptions?: readonly string[];
}

export interface UserDataOptions {
  /** Ends in `/hub/`. */
  hub: string;
  /** `sha256/<base64>` of a public key, or the certificate itself as PEM text. */
  ca?: string | undefined;
  clusterId: string;
  /** The image does not carry the agent: install it and the notebook server. */
  slow: boolean;
  /** Needed when `slow`. */
  agentSource?: AgentSource | undefined;
}

/** AWS's limit, before base64 (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html). */
export const USER_DATA_LIMIT = 16_384;

export const DEFAULT_PACKAGES: readonly string[] = ['jupyterhub==6.1.1', 'jupyterlab==4.6.6'];

const LIB = '/usr/lib/atrium';
const CA_FILE = '/etc/atrium/hub-ca.pem';
const UNITS = [
  'atrium-agent.service',
  'atrium-agent.path',
  'atrium-server@.service',
  'atrium-watchdog.service',
  'atrium-watchdog.timer',
];
const SCRIPTS = ['atrium-server.sh', 'watchdog.sh', 'setup.sh'];

const unitText = (name: string): string => readFileSync(new URL(`../../units/${name}`, import.meta.url), 'utf8');

/**
 * User data of a worker. It says where the hub is and how to recognise it, and holds no secret: every program on the
 * machine can read it. @throws AgentError for values that cannot work, and when it would be larger than AWS takes.
 */
export function renderUserData({ hub, ca, clusterId, slow, agentSource }: UserDataOptions): string {
  const pem = ca?.includes('-----BEGIN CERTIFICATE-----') ? `${ca.trim()}\n` : undefined;
  const config = { hub, ...(ca ? { ca: pem ? CA_FILE : ca } : {}), cluster: clusterId };
  parseConfig(config);
  const files: WrittenFile[] = [];
  if (slow) {
    if (!agentSource) throw new AgentError('A plain image needs to know where the agent comes from: "agentSource".');
    files.push(...workerFiles(agentSource));
  }
  if (pem) files.push({ path: CA_FILE, content: pem, permissions: '0644' });
  // Last: its being there starts the agent.
  files.push({ path: '/etc/atrium/agent.json', content: `${JSON.stringify(config, null, 2)}\n`, permissions: '0644' });
  const text = cloudConfig(files, [
    slow
      ? ['sh', `${LIB}/setup.sh`]
      : ['systemctl', 'start', '--no-block', 'atrium-watchdog.timer', 'atrium-agent.path'],
  ]);
  if (Buffer.byteLength(text) > USER_DATA_LIMIT)
    throw new AgentError(`The user data would be ${Buffer.byteLength(text)} bytes; AWS takes ${USER_DATA_LIMIT}.`);
  return text;
}

/** Everything of ours that a worker carries as files, for user data and for making an image; then `setup.sh` is run. */
export function workerFiles(source: AgentSource): WrittenFile[] {
  return [
    ...UNITS.map((name) => ({
      path: `/etc/systemd/system/${name}`,
      content: bare(unitText(name)),
      permissions: '0644',
    })),
    ...SCRIPTS.map((name) => ({ path: `${LIB}/${name}`, content: bare(unitText(name)), permissions: '0755' })),
    { path: `${LIB}/sources`, content: sources(source), permissions: '0644' },
  ];
}

/** Without comments, which belong to the repository: user data is short. */
function bare(text: string): string {
  const [first = '', ...rest] = text.split('\n');
  return [first, ...rest.filter((line) => !/^\s*#/.test(line))].join('\n').replace(/\n{2,}/g, '\n');
}

function sources({ agent, node = {}, packages = DEFAULT_PACKAGES, pipOptions = [] }: AgentSource): string {
  const lines: [string, string][] = [];
  const add = (name: string, download: Download | undefined) => {
    if (!download) return;
    const { url, sha256 } = download;
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw new AgentError(`Not an http or https URL: ${url}`);
    if (new URL(url).password) throw new AgentError('A URL in user data must not carry a password.');
    if (!/^[0-9a-f]{64}$/i.test(sha256)) throw new AgentError(`Not a SHA-256 in hexadecimal digits: ${sha256}`);
    lines.push([`${name}_URL`, url], [`${name}_SHA256`, sha256.toLowerCase()]);
  };
  add('AGENT', agent);
  add('NODE_X64', node.x64);
  add('NODE_ARM64', node.arm64);
  for (const word of [...packages, ...pipOptions])
    if (!/^[^\s*?[\]'"\\$`]+(\[[\w,-]+\])?[^\s*?[\]'"\\$`]*$/.test(word))
      throw new AgentError(`pip cannot be given ${JSON.stringify(word)} here.`);
  lines.push(['PIP_PACKAGES', packages.join(' ')], ['PIP_OPTIONS', pipOptions.join(' ')]);
  return lines.map(([name, value]) => `${name}=${quote(value)}\n`).join('');
}
