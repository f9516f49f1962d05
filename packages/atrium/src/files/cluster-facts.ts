import { existsSync, readFileSync } from 'node:fs';

interface SpawnerValue {
  id?: string;
  options?: Record<string, unknown>;
}

interface Facts {
  cluster: { name: string; id: string };
  region: string;
  account: string;
  subnets: { id: string; zone: string }[];
  launchTemplate: { id: string; version: string };
  securityGroups: string[];
  port: number;
  hubUrl: string;
  hubCa: string;
  /** Name or address under which people reach it. */
  host?: string;
}

/** Whether this is the manager of a cluster. */
export const isManager = (): boolean => process.env.ATRIUM_CLUSTER_FACTS !== undefined;

/** Stand for what only the manager knows, so that a configuration can be checked elsewhere. */
const ELSEWHERE: Facts = {
  cluster: { name: 'unknown', id: 'unknown' },
  region: 'us-east-1',
  account: '000000000000',
  subnets: [{ id: 'subnet-0', zone: 'us-east-1a' }],
  launchTemplate: { id: 'lt-0', version: '1' },
  securityGroups: ['sg-0'],
  port: 8888,
  hubUrl: 'https://127.0.0.1/hub/',
  hubCa: `sha256/${Buffer.alloc(32).toString('base64')}`,
};

/** The cluster's template tells machines nothing: it is made before the hub's address and certificate are known. */
const FIND_THE_HUB = `#cloud-config
write_files:
  - path: /etc/atrium/agent.json
    permissions: "0644"
    content: |
      {{AGENT_JSON}}
`;

/**
 * Gives a file with the key `cluster` what the cluster knows: subnets, template, the hub's addresses. What
 * the file itself says wins. On the manager the facts are in the file that `ATRIUM_CLUSTER_FACTS` names.
 */
export function withClusterFacts(file: unknown): unknown {
  if (typeof file !== 'object' || file === null) return file;
  const { cluster, spawner } = file as { cluster?: unknown; spawner?: SpawnerValue };
  if (cluster === undefined || spawner?.id !== 'ec2') return file;
  const { ATRIUM_CLUSTER_FACTS: path } = process.env;
  const isThere = path !== undefined && existsSync(path);
  const facts = isThere ? (JSON.parse(readFileSync(path, 'utf8')) as Facts) : ELSEWHERE;
  const { name } = cluster as { name?: string };
  const { account, cluster: id, host, ...known } = facts;
  const own = spawner.options ?? {};
  const identity = { accountId: account, ...(own.identity as object | undefined) };
  const agent = { cloudInit: FIND_THE_HUB, ...(own.agent as object | undefined) };
  const options = { ...known, cluster: isThere ? id : { name }, ...own, identity, agent };
  // nginx on the same machine stands before the proxy.
  const front = host === undefined ? {} : { publicUrl: `https://${host}/`, trustedProxies: ['127.0.0.1'] };
  return { ...front, ...file, spawner: { ...spawner, options } };
}
