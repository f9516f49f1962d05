import { HubError, type ScopeSet } from '@atrium/sdk';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import { ACTIONS, type ActionName, MOST_ROWS, runBulk } from '../people/bulk/bulk.service.ts';
import { listUsers } from '../users/users.service.ts';
import { BulkModel } from './atrium-models.ts';
import { strictBody } from './models.ts';
import { PeopleFilter, userFilterOf } from './people-list.ts';
import { requesterIn } from './requester-in.ts';

const NAMES = Object.keys(ACTIONS) as [ActionName, ...ActionName[]];
const Names = z.array(z.string().min(1).max(520)).min(1).max(MOST_ROWS);

const Body = strictBody({
  action: z.enum(NAMES),
  dry_run: z.boolean().default(true).describe('Only says what would happen.'),
  people: Names.optional().describe('Names. `start` then means their default server, `stop` everything of theirs.'),
  match: PeopleFilter.optional().describe('Instead of names: everybody whom the list of people shows with this.'),
  servers: Names.optional().describe('`ada/thesis`, `ada/`: for `start` and `stop`.'),
  group: z.string().min(1).max(255).optional().describe('For `add_to_group` and `remove_from_group`.'),
  note: z.string().trim().max(500).optional().describe('For `stop`: shown to whose server it is.'),
}).refine(
  ({ people, match, servers }) => [people, match, servers].filter((each) => each !== undefined).length === 1,
  'Send one of people, match and servers',
);

const SCOPES = [...new Set(Object.values(ACTIONS).map(({ scope }) => scope))].sort();

/** One act on many, with a look beforehand at what it would do. */
export const bulkRoutes: FastifyPluginAsyncZod<{ ctx: AppContext }> = async (app, { ctx }) => {
  app.post('/atrium/bulk', {
    // Which of them is needed depends on the action, and is asked for each row.
    config: { scopes: SCOPES, filtered: true },
    schema: {
      summary: 'Do something to many people or servers, or see what it would do',
      description: 'Each row is checked by itself, and one that cannot be done does not keep the others from it.',
      body: Body,
      response: { 200: BulkModel },
      refuses: [404],
    },
    async handler(request) {
      const { principal, scopes } = requesterIn(request);
      const { action, dry_run: dryRun, people, match, servers, group, note } = request.body;
      const rows = servers ? { servers } : { people: people ?? (await matching(match ?? {}, scopes)) };
      const results = await runBulk(ctx, { action, dryRun, rows, group, note, by: principal, scopes });
      const totals = { will: 0, done: 0, nothing: 0, refused: 0, failed: 0 };
      for (const { outcome } of results) totals[outcome] += 1;
      return { action, dry_run: dryRun, results, totals };
    },
  });

  async function matching(match: z.output<typeof PeopleFilter>, scopes: ScopeSet): Promise<string[]> {
    const filter = { ...userFilterOf(match, scopes), sort: 'name' as const, limit: MOST_ROWS };
    const { users, total } = await listUsers(ctx.db, filter);
    if (total > MOST_ROWS) {
      throw new HubError('bad_request', `That fits ${total} people; at most ${MOST_ROWS} at a time. Narrow it down.`);
    }
    return users.map(({ name }) => name);
  }
};
