import { createHash } from 'node:crypto';

/** Names of our tags. No spaces and no slashes: such keys may not be shown in the metadata of an instance. */
export const TAG = {
  cluster: 'atrium:cluster',
  clusterId: 'atrium:cluster-id',
  role: 'atrium:role',
  user: 'atrium:user',
  server: 'atrium:server',
  generation: 'atrium:gen',
  group: 'atrium:group',
  schema: 'atrium:schema',
  storage: 'atrium:storage',
  fresh: 'atrium:fresh',
  trash: 'atrium:trash',
  orphanSince: 'atrium:orphan-since',
  profile: 'atrium:profile',
  name: 'Name',
} as const;

export type Role = 'worker' | 'home' | 'spare' | 'snapshot' | 'restored';

/** A person's name as a tag: itself where EC2 takes it, else a hash. */
export function userTag(name: string): string {
  if (name.length <= 200 && /^[\p{L}\p{N} +\-=._:/@]+$/u.test(name) && !name.startsWith('sha256:')) return name;
  return `sha256:${createHash('sha256').update(name).digest('hex').slice(0, 24)}`;
}

/** The tags that everything of ours carries, and those of its role. */
export function tagsOf(
  cluster: { name: string; id: string },
  role: Role,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    [TAG.cluster]: cluster.name,
    [TAG.clusterId]: cluster.id,
    [TAG.role]: role,
    [TAG.schema]: '1',
    ...more,
  };
}
