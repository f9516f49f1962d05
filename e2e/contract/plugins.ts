import { type ConfiguredAuthenticator, type ConfiguredSpawner, type Json, SpawnFault } from '@atrium/sdk';

/** What a start may ask for in `user_options.contract`: to be refused, with which status, or never to come up. */
const REFUSALS: Readonly<Record<string, { status: number; message: string }>> = {
  refuse: { status: 418, message: 'teapot' },
  tell: { status: 500, message: 'The reading room is closed' },
  image: { status: 410, message: 'bad image' },
};

/** A spawner that refuses what a start asks it to refuse. */
export function refusing(inner: ConfiguredSpawner): ConfiguredSpawner {
  return {
    ...inner,
    async create(config, context) {
      const spawner = await inner.create(config, context);
      return {
        ...spawner,
        resolve(user, options) {
          const spec = spawner.resolve(user, options) as Record<string, Json>;
          return { ...spec, contract: options.contract ?? null };
        },
        async ensure(ref, spec, io) {
          const { contract } = spec as { contract: string };
          const refusal = REFUSALS[contract];
          if (refusal) throw new SpawnFault({ class: 'user', code: 'refused', ...refusal });
          if (contract === 'hang') return { phase: 'starting' };
          return spawner.ensure(ref, spec, io);
        },
      };
    },
  };
}

/** Says of people whose names begin with `info-` what a sign-in elsewhere would. */
export function telling(inner: ConfiguredAuthenticator): ConfiguredAuthenticator {
  return {
    ...inner,
    async create(config, context) {
      const authenticator = await inner.create(config, context);
      return {
        ...authenticator,
        async authenticate(fields, request) {
          const identity = await authenticator.authenticate(fields, request);
          if (!identity?.name.startsWith('info-')) return identity;
          return { ...identity, userInfo: { display_name: 'Ina Fo' }, authState: { key: 'of-elsewhere' } };
        },
        refresh: async ({ name }) => (name.startsWith('stale-') ? null : { name }),
      };
    },
  };
}
