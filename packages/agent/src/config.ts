import { isAbsolute } from 'node:path';
import { AgentError } from './errors.ts';

/** `/etc/atrium/agent.json`: what user data or the image wrote. Holds no secret. */
export interface AgentConfig {
  /** Where the hub is; ends in `/hub/`. */
  hub: string;
  /** `sha256/<base64>` of a public key in the hub's certificate chain (RFC 7469 §2.4), or the path of a PEM file. */
  ca?: string;
  /** Id of the cluster, for the log. */
  cluster: string;
  /** All paths are below it; `/` on a real machine. */
  root: string;
  /** `folders`: volumes are folders and the server is a child process; for simulators and tests. */
  machine: 'linux' | 'folders';
  /** Program and arguments that switch the machine off; `systemctl poweroff` without. */
  poweroff?: readonly string[];
  /** Address of the metadata service. */
  imds: string;
}

export const IMDS = 'http://169.254.169.254';

const KEYS = ['hub', 'ca', 'cluster', 'root', 'machine', 'poweroff', 'imds'];
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** Checks what a configuration file held. @throws AgentError that names the key. */
export function parseConfig(value: unknown): AgentConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AgentError('The configuration must be a JSON object.');
  const given = value as Record<string, unknown>;
  const unknown = Object.keys(given).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw new AgentError(`The configuration has an unknown key: ${unknown}`);

  const { hub, ca, cluster, root = '/', machine = 'linux', poweroff, imds = IMDS } = given;
  if (!isText(hub) || !isHttpUrl(hub)) throw new AgentError('"hub" must be an http or https URL.');
  const { search, hash, username, password, pathname, protocol } = new URL(hub);
  if (search || hash || username || password || !pathname.endsWith('/hub/'))
    throw new AgentError('"hub" must end in /hub/ and carry no query and no password.');
  if (ca !== undefined && !isText(ca)) throw new AgentError('"ca" must be sha256/<base64> or the path of a PEM file.');
  if (ca?.startsWith('sha256/') && Buffer.from(ca.slice('sha256/'.length), 'base64').length !== 32)
    throw new AgentError('"ca" must hold the 32 bytes of a SHA-256 in base64 after sha256/.');
  if (ca && protocol !== 'https:') throw new AgentError('"ca" needs an https hub.');
  if (!isText(cluster)) throw new AgentError('"cluster" must be the id of the cluster.');
  if (!isText(root) || !isAbsolute(root)) throw new AgentError('"root" must be an absolute path.');
  if (machine !== 'linux' && machine !== 'folders') throw new AgentError('"machine" must be linux or folders.');
  if (!isText(imds) || !isHttpUrl(imds)) throw new AgentError('"imds" must be an http URL.');
  if (poweroff !== undefined && !(Array.isArray(poweroff) && poweroff.length > 0 && poweroff.every(isText)))
    throw new AgentError('"poweroff" must be a program and its arguments.');
  return { hub, cluster, root, machine, imds, ...(ca ? { ca } : {}), ...(poweroff ? { poweroff } : {}) };
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
