import { z } from 'zod';

/** What the administration page reads beside JupyterHub's models. Imports zod alone, so that its types go anywhere. */

const Time = z.string().describe('UTC, ISO 8601.');
const count = z.number();

const Level = z.enum(['info', 'warning']);

export const AnnouncementModel = z
  .object({
    id: z.number(),
    text: z.string(),
    level: Level,
    starts_at: Time,
    ends_at: Time.nullable().describe('null: until it is taken back.'),
    dismissible: z.boolean().describe('Whoever has read it may put it away.'),
    state: z.enum(['scheduled', 'shown', 'over']),
    by: z.string(),
    created: Time,
  })
  .meta({ title: 'Announcement' });

const Usage = z.object({
  memory: z.number().describe('Bytes.'),
  memory_limit: z.number().nullable(),
  cpu: z.number().nullable().describe('Cores: 1 is one that is busy all the time. null before the second look.'),
});

/** A server as the live table shows it. */
export const LiveServerModel = z
  .object({
    key: z.string().describe('`ada/thesis`; the default server is `ada/`.'),
    user: z.string(),
    name: z.string(),
    display_name: z.string(),
    phase: z.enum(['stopped', 'queued', 'starting', 'ready', 'stopping']),
    wanted: z.enum(['running', 'stopped']),
    queue_place: z.number().nullable().describe('1 is next.'),
    since: Time.describe('When the phase began.'),
    requested: Time.nullable().describe('While it is queued: when it was asked for.'),
    started: Time.nullable(),
    last_activity: Time.nullable(),
    url: z.string(),
    progress_url: z.string(),
    kind: z.string().nullable().describe('The kind of server that was chosen, where there are several.'),
    failure: z
      .object({ code: z.string(), message: z.string(), advice: z.string().nullable(), at: Time })
      .nullable()
      .describe('Why the last start did not work.'),
    stopped: z
      .object({
        code: z.string(),
        by: z.string().nullable(),
        note: z.string().nullable(),
        message: z.string().nullable(),
        at: Time,
      })
      .nullable()
      .describe('Why it does not run, or is about to stop.'),
    failures_in_a_row: z.number(),
    usage: Usage.extend({ at: Time }).nullable().describe('Where the spawner knows, and somebody looked lately.'),
  })
  .meta({ title: 'LiveServer' });

export const LiveServersModel = z
  .object({ items: z.array(LiveServerModel), total: count, offset: count, limit: count })
  .meta({ title: 'LiveServers' });

export const PersonModel = z
  .object({
    name: z.string(),
    admin: z.boolean(),
    blocked: z.boolean(),
    waiting: z.boolean().describe('A sign-up that nobody has approved yet.'),
    groups: z.array(z.string()),
    roles: z.array(z.string()),
    created: Time,
    last_activity: Time.nullable(),
    stop_after: z.number().nullable().describe("Idle seconds; null: the hub's; 0: never."),
    servers: z.array(LiveServerModel),
  })
  .meta({ title: 'Person' });

export const PeopleModel = z
  .object({ items: z.array(PersonModel), total: count, offset: count, limit: count })
  .meta({ title: 'People' });

const ScopeInWords = z.object({ scope: z.string(), words: z.string() });

export const PersonDetailModel = z
  .object({
    person: PersonModel,
    groups: z.array(
      z.object({ name: z.string(), sources: z.array(z.enum(['administrator', 'configuration', 'sign-in'])) }),
    ),
    roles: z.array(z.object({ name: z.string(), description: z.string(), from: z.array(z.string()) })),
    scopes: z.array(ScopeInWords).describe('Everything they may do.'),
    access: z.object({
      allowed: z.boolean(),
      because: z.string().describe('The rule that decides, in one sentence.'),
      rules: z.array(
        z.object({ rule: z.string(), outcome: z.enum(['allows', 'denies', 'silent']), detail: z.string() }),
      ),
    }),
    authenticator: z.object({
      id: z.string(),
      told_groups: z.array(z.string()).describe('What it said at the last sign-in.'),
    }),
    sessions: count.describe('Browsers that are signed in.'),
    tokens: count,
  })
  .meta({ title: 'PersonDetail' });

export const RolesModel = z
  .object({
    items: z.array(z.object({ name: z.string(), description: z.string(), scopes: z.array(ScopeInWords) })),
  })
  .meta({ title: 'Roles' });

export const BulkModel = z
  .object({
    action: z.string(),
    dry_run: z.boolean(),
    results: z.array(
      z.object({
        kind: z.enum(['person', 'server']),
        name: z.string().describe('`ada`, or `ada/thesis`.'),
        outcome: z
          .enum(['will', 'done', 'nothing', 'refused', 'failed'])
          .describe('`nothing`: it is so already; `refused`: it may not be; `failed`: it was tried.'),
        code: z.string().nullable(),
        message: z.string(),
      }),
    ),
    totals: z.object({ will: count, done: count, nothing: count, refused: count, failed: count }),
  })
  .meta({ title: 'BulkResult' });

export const ImportModel = z
  .object({
    dry_run: z.boolean(),
    applied: z.boolean().describe('Whether anything was imported.'),
    delimiter: z.string(),
    columns: z.array(z.string()),
    ignored_columns: z.array(z.string()),
    rows: z.array(
      z.object({
        line: z.number().describe('Of the file, 1 first.'),
        name: z.string(),
        outcome: z.enum(['create', 'change', 'same', 'error']),
        admin: z.boolean().nullable().describe('What it becomes; null when it stays.'),
        add_groups: z.array(z.string()),
        new_groups: z.array(z.string()).describe('Those of them that are not there yet.'),
        message: z.string(),
        link: z.object({ url: z.string(), expires_at: Time }).optional(),
      }),
    ),
    errors: z.array(z.object({ line: z.number(), column: z.string().nullable(), message: z.string() })),
    totals: z.object({ create: count, change: count, same: count, error: count }),
  })
  .meta({ title: 'ImportResult' });

const Seconds = z.number().nullable().describe('Upper end, seconds; null: longer than all others.');

export const ChartsModel = z
  .object({
    since: Time,
    until: Time,
    step: z.enum(['hour', 'day']),
    zone: z.string().describe('Whose hours and days these are.'),
    activity: z.array(
      z.object({ start: Time, people: count, servers: count.describe('The most that ran at the same time.') }),
    ),
    starts: z.object({
      ready: count,
      failed: count,
      seconds: z.object({ p50: Seconds, p90: Seconds, p99: Seconds }).describe('From the request to ready.'),
      histogram: z.array(z.object({ le: Seconds, count })),
      per_step: z.array(z.object({ start: Time, ready: count, failed: count })),
    }),
    failures: z.array(
      z.object({
        code: z.string(),
        kind: z.enum(['start', 'ended']).describe('A start that failed, or a running server that ended by itself.'),
        words: z.string(),
        count,
        last_at: Time,
      }),
    ),
    complete_since: Time.nullable().describe('Since when figures are there at all.'),
  })
  .meta({ title: 'Charts' });

export const ServerLogModel = z
  .object({
    lines: z.array(z.string()).describe('Oldest first.'),
    from: z.enum(['server', 'last failure', 'last run', 'nothing']),
    lines_asked: z.number(),
  })
  .meta({ title: 'ServerLog' });

export const OverviewModel = z
  .object({
    time: Time,
    people: z.object({
      total: count,
      waiting: count.describe('Sign-ups that nobody has approved yet.'),
      active_now: count.describe('In the last quarter of an hour.'),
      active_today: count,
    }),
    servers: z.object({ ready: count, starting: count, queued: count, stopping: count }),
    today: z.object({ since: Time, starts: count, failed: count, people_added: count }),
    limits: z.object({
      active: count.describe('Servers that run, start or stop.'),
      active_limit: count.nullable(),
      concurrency: count.describe('How many start at the same time.'),
      oldest_queued: Time.nullable(),
    }),
    usage: z
      .object({ memory: count, memory_limit: count.nullable() })
      .nullable()
      .describe('Of all servers together, bytes; null where the spawner does not know.'),
    problems: z.array(
      z.object({
        kind: z.enum(['alert', 'warning', 'service', 'failure']),
        text: z.string(),
        since: Time.nullable(),
        link_to: z.object({ kind: z.enum(['service', 'server']), name: z.string() }).nullable(),
      }),
    ),
    features: z.object({
      accounts: z.boolean().describe('The hub keeps passwords, so it can make addresses where people set theirs.'),
      server_log: z.boolean(),
      server_usage: z.boolean(),
      named_servers: count.nullable().describe('How many a person may have; null when that depends on who it is.'),
      home_deleted_with_person: z.boolean(),
      idle_stop_after: z.number().describe('Seconds; 0: never.'),
      money: z.boolean(),
    }),
  })
  .meta({ title: 'Overview' });

const Properties = z.record(z.string(), z.unknown());
const groupFacts = {
  name: z.string(),
  properties: Properties,
  roles: z.array(z.string()),
  configured: z.boolean().describe('It stands in the configuration, and cannot be deleted here.'),
};

export const GroupsModel = z
  .object({ items: z.array(z.object({ ...groupFacts, members: count })) })
  .meta({ title: 'GroupsInBrief' });

export const GroupDetailModel = z
  .object({
    ...groupFacts,
    members: z.array(
      z.object({ name: z.string(), sources: z.array(z.enum(['administrator', 'configuration', 'sign-in'])) }),
    ),
  })
  .meta({ title: 'GroupDetail' });

export const ServicesModel = z
  .object({
    items: z.array(
      z.object({
        name: z.string(),
        admin: z.boolean(),
        url: z.string().nullable(),
        prefix: z.string().nullable(),
        managed: z.boolean().describe('The hub runs it.'),
        pid: z.number().nullable(),
        problem: z.string().nullable().describe('Why it does not run or answer, as last seen.'),
        from_config: z.boolean(),
        display: z.boolean(),
        info: Properties,
        oauth_client_id: z.string().nullable(),
      }),
    ),
  })
  .meta({ title: 'ServicesInBrief' });

export const AuditEntryModel = z
  .object({
    id: z.number(),
    time: z.string(),
    action: z.string(),
    by: z.object({ kind: z.string().describe('user, service, operator, hub or nobody.'), name: z.string() }),
    via: z.string().describe('session, token, login, command or hub.'),
    token: z.string().nullable().describe("Id of the token, as in the person's list."),
    from: z.string().nullable().describe("The client's address."),
    of: z.object({ kind: z.string(), name: z.string(), owner: z.string().nullable() }).nullable(),
    request_id: z.string().nullable().describe('The same as in the lines of the log.'),
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ title: 'AuditEntry' });
