import type { Ec2Sim } from '../sim.ts';

/** A minute of the demo costs as much as an hour at AWS, so that there is something to see. */
export const FASTER = 60;

/** After so long without work a machine of the demo stops. */
export const IDLE = '2m';

export interface DemoPlaces {
  /** The hub's port; machines must know it before it listens. */
  port: number;
  command: string;
  /** Tags of the image that carries the agent. */
  image: Readonly<Record<string, string>>;
}

const KINDS = [
  { id: 'small', title: 'Small', type: 't3.small', usd: 0.0208 },
  { id: 'large', title: 'Large', type: 't3.xlarge', usd: 0.1664 },
];

/** The text of `atrium.config.ts` for a hub whose servers are machines of that simulator. */
export function demoConfig(
  { world, region, certificate }: Pick<Ec2Sim, 'world' | 'region' | 'certificate'>,
  { port, command, image }: DemoPlaces,
): string {
  const [group] = world.groups.values();
  const options = {
    cluster: { name: 'demo' },
    region,
    hubUrl: `http://127.0.0.1:${port}/hub/`,
    subnets: [...world.subnets.values()].map(({ id, zone }) => ({ id, zone })),
    securityGroups: group ? [group.id] : [],
    identity: { certificates: [certificate] },
    command: [command],
    homes: { sizeGb: 10, deleteAllowed: true },
    profiles: KINDS.map(({ id, title, type, usd }) => ({
      id,
      title,
      description: `A minute here costs as much as an hour at AWS: $${usd}.`,
      types: [type],
      image: { tags: image },
      price: usd * FASTER,
    })),
  };
  return `import { defineConfig, ec2Spawner } from 'atrium';

export default defineConfig({
  host: '127.0.0.1',
  port: ${port},
  idle: { stopAfter: '${IDLE}', warnBefore: '30s', checkEvery: '2s' },
  spawner: ec2Spawner(${JSON.stringify(options, null, 2)}),
});
`;
}
