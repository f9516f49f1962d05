import { createHash } from 'node:crypto';
import { type Options, SpawnFault, type SpawnForm, type SpawnUser } from '@atrium/sdk';
import { z } from 'zod';
import type { Ec2Config } from './config.ts';
import { factsOf, priceOf } from './prices.ts';
import type { Profile } from './profile-config.ts';
import type { Ec2Spec } from './spec.ts';

const mayUse = (profile: Profile, user: Pick<SpawnUser, 'groups'>): boolean =>
  profile.groups === undefined || profile.groups.some((group) => user.groups.includes(group));

/** The choices of one person, with what they may not have and why. Pure. */
export function form(config: Ec2Config, user: SpawnUser): SpawnForm {
  const { profiles } = config;
  return {
    profiles: profiles.map((profile) => ({
      id: profile.id,
      title: profile.title,
      ...(profile.description !== undefined && { description: profile.description }),
      facts: [
        ...factsOf(profile.types[0]!),
        ...(profile.market === 'spot' ? ['can be taken back at any time'] : []),
        ...(profile.maxSessionHours ? [`at most ${profile.maxSessionHours} h`] : []),
      ],
      price: profilePrice(config, profile),
      ...(!mayUse(profile, user) && { unavailable: notForYou(profile) }),
    })),
    chosen: (profiles.find((profile) => mayUse(profile, user)) ?? profiles[0]!).id,
    schema: schemaOf(config),
  };
}

const schemas = new WeakMap<Ec2Config, SpawnForm['schema']>();

/** Made once: making one takes longer than all else that a start asks of a form. */
function schemaOf(config: Ec2Config): SpawnForm['schema'] {
  const known = schemas.get(config);
  if (known) return known;
  const ids = config.profiles.map(({ id }) => id) as [string, ...string[]];
  const schema = z.strictObject({ profile: z.enum(ids).optional() });
  schemas.set(config, schema);
  return schema;
}

const notForYou = ({ groups = [] }: Profile): string =>
  groups.length === 1
    ? `Only for members of ${groups[0]}.`
    : `Only for members of ${groups.slice(0, -1).join(', ')} or ${groups.at(-1)}.`;

/** The price of the first type; a start on a later rung of the ladder is metered at its own. */
function profilePrice(config: Ec2Config, profile: Profile) {
  return priceOf(config, { type: profile.types[0]!, market: profile.market, stated: profile.price ?? null });
}

/** What was chosen, frozen. Pure. @throws SpawnFault for what cannot be or is not allowed. */
export function resolve(config: Ec2Config, user: SpawnUser, options: Options): Ec2Spec {
  const asked = options.profile;
  const profile =
    asked === undefined || asked === null
      ? (config.profiles.find((one) => mayUse(one, user)) ?? config.profiles[0]!)
      : config.profiles.find(({ id }) => id === asked);
  if (!profile) {
    throw new SpawnFault({
      class: 'user',
      code: 'no_such_profile',
      message: `There is no kind of machine called “${String(asked).slice(0, 60)}” any more.`,
      advice: 'Choose another one.',
    });
  }
  if (!mayUse(profile, user)) {
    throw new SpawnFault({
      class: 'user',
      code: 'profile_not_allowed',
      message: `“${profile.title}” is not for you. ${notForYou(profile)}`,
      advice: 'Choose another kind of machine, or ask to become a member.',
    });
  }
  return {
    user: user.name,
    uid: user.uid,
    groups: [...user.groups],
    storage: user.storage ?? nameStorage(user),
    profile: profile.id,
    title: profile.title,
    types: [...profile.types],
    market: profile.market,
    spotFallback: profile.spotFallback,
    onIdle: profile.onIdle,
    image: profile.image ?? null,
    rootGb: profile.rootGb ?? null,
    homeGb: profile.homeGb ?? config.homes.sizeGb,
    publicIp: profile.egress === undefined ? null : profile.egress === 'public',
    instanceProfile: profile.instanceProfile ?? null,
    studentRoot: profile.studentRoot,
    idleMinutes: profile.idleMinutes ?? null,
    maxSessionHours: profile.maxSessionHours ?? null,
    price: profile.price ?? null,
  };
}

/** Names a person's home once and for ever: readable, with a hash that tells equal-looking names apart. Pure. */
export function nameStorage(user: Omit<SpawnUser, 'storage'>): string {
  const slug = user.name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 32);
  return `${slug || 'user'}-${createHash('sha256').update(`${user.name} ${user.uid}`).digest('hex').slice(0, 8)}`;
}
