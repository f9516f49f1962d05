import type { Ec2World } from './world.ts';

/** EC2 takes no more, before base64. */
const MOST_BYTES = 16 * 1024;

/**
 * What every machine is told at its first boot: where the hub is, how to know it, which cluster this is. It can be read
 * by everybody on the machine, so it holds no secret and nothing about a person. Nothing when the launch template has it.
 * @throws Error when it is too long.
 */
export function userData({ config, cluster }: Pick<Ec2World, 'config' | 'cluster'>): { userData?: string } {
  const agent = { hub: config.hubUrl, ...(config.hubCa && { ca: config.hubCa }), cluster: cluster.id };
  const json = JSON.stringify(agent);
  const template = config.agent.cloudInit ?? (config.launchTemplate ? undefined : DEFAULT);
  if (template === undefined) return {};
  const filled = template
    .replaceAll('{{AGENT_JSON}}', json)
    .replaceAll('{{HUB_URL}}', config.hubUrl)
    .replaceAll('{{HUB_CA}}', config.hubCa ?? '')
    .replaceAll('{{CLUSTER_ID}}', cluster.id);
  const bytes = Buffer.byteLength(filled);
  if (bytes > MOST_BYTES) {
    throw new Error(
      `spawner-ec2: the cloud-config is ${bytes} bytes long; EC2 takes ${MOST_BYTES}. Shorten agent.cloudInit.`,
    );
  }
  return { userData: filled };
}

/** JSON is YAML, so the configuration needs no quoting of its own. */
const DEFAULT = `#cloud-config
write_files:
  - path: /etc/atrium/agent.json
    permissions: "0644"
    content: |
      {{AGENT_JSON}}
`;
