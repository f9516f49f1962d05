import { Readable } from 'node:stream';
import { HubError } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { csvHeaders } from '../audit/audit-csv.ts';
import type { AppContext } from '../context.ts';
import { csvLine } from '../csv.ts';
import { createResetLink } from '../login/links.service.ts';
import { originOf } from '../pages/answer.ts';
import { changeAccount } from '../people/account.service.ts';
import { factsOf } from '../people/facts.service.ts';
import { describeScope } from '../tokens/tokens.service.ts';
import { actorName } from '../users/principal.ts';
import { listUsers, type User } from '../users/users.service.ts';
import { PeopleModel, PersonDetailModel, PersonModel, RolesModel } from './atrium-models.ts';
import { strictBody, UserParams } from './models.ts';
import { PeopleFilter, presentPeople, Sort, userFilterOf } from './people-list.ts';
import { requesterIn } from './requester-in.ts';
import { isoTime } from './times.ts';
import { checkMayGrantAdmin, userNamed } from './users.service.ts';

const Query = PeopleFilter.extend({
  sort: Sort,
  offset: z.coerce.number().int().min(0).max(1e9).default(0),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

const COLUMNS = {
  name: (person) => person.name,
  admin: (person) => yes(person.admin),
  groups: (person) => person.groups.join(';'),
  blocked: (person) => yes(person.blocked),
  waiting: (person) => yes(person.waiting),
  roles: (person) => person.roles.join(';'),
  created: (person) => person.created,
  last_activity: (person) => person.last_activity,
  servers: (person) => person.servers.map(({ name, phase }) => `${name || 'default'}: ${phase}`).join(';'),
} satisfies Record<string, (person: z.output<typeof PersonModel>) => string | null>;
type Column = keyof typeof COLUMNS;
const NAMES = Object.keys(COLUMNS) as Column[];

const yes = (value: boolean) => (value ? 'yes' : 'no');

const FileQuery = PeopleFilter.extend({
  sort: Sort,
  columns: z
    .string()
    .regex(
      new RegExp(`^(${NAMES.join('|')})(,(${NAMES.join('|')}))*$`),
      `Write names of columns with commas between them: ${NAMES.join(', ')}`,
    )
    .optional()
    .describe(`Of ${NAMES.map((name) => `\`${name}\``).join(', ')}; all of them without.`),
});
const PIECE = 500;

const Change = strictBody({
  blocked: z.boolean().optional(),
  waiting: z.literal(false).optional().describe('Approves a sign-up.'),
  stop_after: z.int().min(0).max(31_536_000).nullish().describe("Idle seconds; null: the hub's; 0: never."),
}).refine((body) => Object.keys(body).length > 0, 'Nothing to change');

const Link = z
  .object({ url: z.string().describe('Sets the password, once. Shown this once.'), expires_at: z.string() })
  .meta({ title: 'PasswordLink' });

/** Accounts, beside JupyterHub's `/users`: with what an administrator sees and does. */
export const peopleRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  const listing = { scopes: ['list:users'], filtered: true } as const;
  const config = { scopes: ['admin:users'] };

  app.get('/atrium/people', {
    config: listing,
    schema: { summary: 'People and their servers', querystring: Query, response: { 200: PeopleModel } },
    async handler(request) {
      const { scopes } = requesterIn(request);
      const { sort, offset, limit, ...query } = request.query;
      const { users, total } = await listUsers(ctx.db, { ...userFilterOf(query, scopes), sort, offset, limit });
      return { items: await presentPeople(ctx, users, scopes), total, offset, limit };
    },
  });

  app.get('/atrium/people.csv', {
    config: listing,
    schema: {
      summary: 'The same, all that fits, as text/csv',
      querystring: FileQuery,
      answers: { 200: { type: 'text/csv', description: 'A table with a line of headings' } },
    },
    async handler(request, reply) {
      const { scopes } = requesterIn(request);
      const { sort, columns, ...query } = request.query;
      const shown = (columns?.split(',') as Column[] | undefined) ?? NAMES;
      const filter = { ...userFilterOf(query, scopes), sort, limit: PIECE, total: false };
      const lines = async function* () {
        yield csvLine(shown);
        for (let offset = 0; ; offset += PIECE) {
          const { users } = await listUsers(ctx.db, { ...filter, offset });
          for (const person of await presentPeople(ctx, users, scopes)) {
            yield csvLine(shown.map((name) => COLUMNS[name](person)));
          }
          if (users.length < PIECE) return;
        }
      };
      return reply.headers(csvHeaders('people')).type('text/csv; charset=utf-8').send(Readable.from(lines()));
    },
  });

  async function personOf(user: User, request: Parameters<typeof requesterIn>[0], all: boolean) {
    const [person] = await presentPeople(ctx, [user], requesterIn(request).scopes, { all });
    if (!person) throw new HubError('not_found', 'No access to resources or resources not found');
    return person;
  }

  app.get('/atrium/people/:user', {
    config,
    schema: { summary: 'Everything about one person', params: UserParams, response: { 200: PersonDetailModel } },
    async handler(request) {
      const user = await userNamed(ctx, request.params.user);
      const { access, ...facts } = await factsOf(ctx, user);
      return {
        person: await personOf(user, request, true),
        ...facts,
        access: { allowed: access.allowed, because: access.because, rules: access.rules },
        authenticator: { id: ctx.authenticator.id, told_groups: user.authGroups },
      };
    },
  });

  app.patch('/atrium/people/:user', {
    config,
    schema: {
      summary: 'Block, unblock or approve somebody, or change when their servers stop',
      params: UserParams,
      body: Change,
      response: { 200: PersonModel },
    },
    async handler(request) {
      const user = await userNamed(ctx, request.params.user);
      const { blocked, waiting, stop_after: stopAfter } = request.body;
      const changed = await changeAccount(ctx, user, { blocked, waiting, stopAfter }, requesterIn(request).principal);
      return personOf(changed, request, false);
    },
  });

  app.post('/atrium/people/:user/password-link', {
    config,
    schema: {
      summary: 'Make an address where somebody sets their password, once',
      params: UserParams,
      response: { 201: Link },
    },
    async handler(request, reply) {
      const { principal } = requesterIn(request);
      const user = await userNamed(ctx, request.params.user);
      if (user.admin) checkMayGrantAdmin(principal);
      const { path, expiresAt } = await createResetLink(ctx, user, actorName(principal));
      reply.header('cache-control', 'no-store');
      return reply.code(201).send({ url: originOf(ctx, request) + path, expires_at: isoTime(expiresAt) });
    },
  });

  app.get('/atrium/roles', {
    config: { scopes: ['read:roles'] },
    schema: { summary: 'Every role, and what it lets somebody do', response: { 200: RolesModel } },
    handler: async () => ({
      items: ctx.roles.list().map(({ name, description, scopes }) => ({
        name,
        description,
        scopes: scopes.map((scope) => ({ scope, words: describeScope(scope, ctx.roles.customScopes) })),
      })),
    }),
  });
};
