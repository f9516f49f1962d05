import type { Region } from './region.ts';

/** Id of the cluster whose hubs are killed. */
export const CLUSTER = 'chaos-cluster';

/** Puts things of other people into the account. @returns how they are now */
export function settle({ sim }: Region): () => unknown {
  const { world } = sim;
  const subnet = [...world.subnets.values()][0]!;
  const strangers = [
    world.volumes.set('vol-0aaaaaaaaaaaaaaaa', volume('vol-0aaaaaaaaaaaaaaaa', [])),
    world.volumes.set(
      'vol-0bbbbbbbbbbbbbbbb',
      volume('vol-0bbbbbbbbbbbbbbbb', [
        ['atrium:cluster-id', 'another-cluster'],
        ['atrium:role', 'home'],
        ['atrium:storage', 'student1'],
        ['atrium:user', 'student1'],
      ]),
    ),
  ];
  function volume(id: string, tags: [string, string][]) {
    const at = world.clock.now();
    return {
      ...{ id, seq: world.nextSeq++, tags: new Map(tags), createdAt: at, visibleAt: at, tagsVisibleAt: at },
      ...{ sizeGb: 10, type: 'gp3', zone: subnet.zone, encrypted: true, state: 'available' as const },
    };
  }
  const ids = [...strangers[0]!.keys()].filter((id) => /^vol-0(a+|b+)$/.test(id));
  return () => ids.map((id) => [id, world.volumes.get(id)?.state, [...(world.volumes.get(id)?.tags ?? [])]]);
}

/** What the hub's configuration says of the spawner. */
export function spawnerConfig({ sim }: Region, port: number): Record<string, unknown> {
  const { world } = sim;
  const image = { id: [...world.images.values()].find((one) => one.public && one.architecture === 'x86_64')!.id };
  return {
    cluster: { name: 'class', id: CLUSTER },
    region: sim.region,
    hubUrl: `http://127.0.0.1:${port}/hub/`,
    subnets: [...world.subnets.values()].map(({ id, zone }) => ({ id, zone })),
    securityGroups: [[...world.groups.keys()][0]!],
    identity: { certificates: [sim.certificate] },
    agent: { deadlineSeconds: 600 },
    profiles: [
      { id: 'small', title: 'Small', types: ['t3.medium', 't3a.medium'], image },
      { id: 'large', title: 'Large', types: ['t3.large', 't3a.large'], image },
      { id: 'spot', title: 'Spot', types: ['t3.medium', 't3.large'], image, market: 'spot' },
    ],
  };
}
