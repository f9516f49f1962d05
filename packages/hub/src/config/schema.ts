import { type ConfiguredAuthenticator, type ConfiguredSpawner, Secret, trustList } from '@atrium/sdk';
import { z } from 'zod';
import { Lesson } from './calendar-schema.ts';
import { Duration } from './duration.ts';
import { Groups } from './groups-schema.ts';
import { Limits } from './money-schema.ts';
import { AuditConfig, ChartsConfig, EventLogConfig, MetricsConfig } from './observability-schema.ts';
import { CustomScopesConfig, Roles } from './roles-schema.ts';
import { Services } from './services-schema.ts';
import { SubdomainHost } from './subdomain-schema.ts';
import { Tls } from './tls-schema.ts';

const isPlugin = (kind: string) => (value: unknown) =>
  typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === kind;

function isAddress(entry: string): boolean {
  try {
    trustList([entry]);
    return true;
  } catch {
    return false;
  }
}

/** For whom a limit is asked. */
export interface LimitedPerson {
  name: string;
  admin: boolean;
  groups: readonly string[];
}
/** How many named servers somebody may have. */
export type NamedServerLimit = (person: LimitedPerson) => number | Promise<number>;

function isPattern(text: string): boolean {
  try {
    new RegExp(text, 'u');
    return true;
  } catch {
    return false;
  }
}

const names = (what: string) => z.array(z.string().min(1)).default([]).describe(what);

/** As names are after a sign-in; what else they may not be is said by who makes the account. */
const UserName = z
  .string()
  .min(1)
  .refine((name) => name === name.trim().toLowerCase() && !name.includes('/'), 'Write a name in lower case, without /');

const Access = z.strictObject({
  allowAll: z.boolean().default(false).describe('Everybody who can sign in is allowed.'),
  allowedUsers: names('These names are allowed.'),
  allowedGroups: names('Members of these groups (as the authenticator reports them) are allowed.'),
  blockedUsers: names('These names are never allowed; wins over every other rule.'),
  adminUsers: names('These names are administrators, and so allowed.'),
  allowExistingUsers: z.boolean().default(false).describe('Everybody who already has an account here is allowed.'),
});

const Start = z.strictObject({
  concurrency: z.int().positive().default(16).describe('How many servers start at the same time; others queue fairly.'),
  timeout: Duration.prefault('2m').describe('How long the spawner may take until the server runs.'),
  answerTimeout: Duration.prefault('1m').describe('How long a running server may take to answer over HTTP.'),
  stopTimeout: Duration.prefault('10s').describe('How long a server may take to stop politely before it is forced.'),
  slow: Duration.prefault('10s').describe('How long the API waits for a start or stop before it answers 202.'),
  activeLimit: z.int().nonnegative().default(0).describe('How many servers may be active at once; 0 for no limit.'),
  whenFull: z
    .enum(['queue', 'refuse'])
    .default('queue')
    .describe(
      'What happens to a start beyond `concurrency` or `activeLimit`: it waits in the queue, or it is refused with status 429.',
    ),
});

const Stopped = z.strictObject({
  status: z
    .union([z.literal(424), z.literal(503)])
    .default(424)
    .describe('What is answered where a server does not run: 424, or 503 for JupyterLab older than 3.4.'),
  startAfter: Duration.prefault(0).describe(
    'Whoever opens the page of a server that does not run has it started after this long; 0 for not unasked.',
  ),
});

const Idle = z.strictObject({
  stopAfter: Duration.prefault('1h').describe('Stop a server after this long without activity; 0 for never.'),
  maxAge: Duration.prefault(0).describe('Stop a server this long after its start, busy or not; 0 for never.'),
  checkEvery: Duration.prefault('1m').describe('How often idleness is looked at.'),
  warnBefore: Duration.prefault('5m').describe(
    'How long before an idle stop its owner is warned and can say that they go on; at most half of the time until it. 0 for no warning.',
  ),
  keepOnMax: Duration.prefault('12h').describe(
    'How far ahead a person may ask that their server is not stopped for idleness; 0 for not at all.',
  ),
});

const Branding = z.strictObject({
  name: z.string().min(1).max(60).default('Atrium').describe('Shown on every page.'),
  accent: z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/, 'Write a colour as #rrggbb')
    .optional()
    .describe('Accent colour.'),
  helpUrl: z.url().optional().describe('Where the Help link leads.'),
  contact: z.string().optional().describe('Whom to ask: a mail address or a sentence, shown on error pages.'),
  announcement: z.string().optional().describe('A sentence at the top of every page.'),
});

/** The configuration file's schema; reference docs, `atrium config check` and completion come from it. */
export const HubConfigSchema = z.strictObject({
  basePath: z
    .string()
    .regex(/^\/([^\s?#]*\/)?$/, 'Start and end with a slash')
    .default('/')
    .describe('Where the hub is mounted.'),
  host: z.string().default('127.0.0.1').describe('Address the proxy listens on.'),
  port: z.int().min(0).max(65_535).default(8000).describe('Port the proxy listens on.'),
  tls: Tls.describe(
    "Encryption without a front server: `{ cert: '/path/fullchain.pem', key: '/path/privkey.pem' }` (a list of pairs: chosen by host name), `{ acme: { email: 'it@example.org', domains: ['hub.example.org'] } }` to have it fetched, or `'self-signed'`. Files are watched.",
  ),
  redirectPort: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('With `tls`: a second port, such as 80, that leads browsers to https.'),
  hsts: Duration.prefault('180d').describe(
    'With `tls` on port 443: how long browsers remember to come by https only; never said with a self-signed certificate. 0 for not at all.',
  ),
  http2: z
    .boolean()
    .default(true)
    .describe('With `tls`: HTTP/2 for browsers, all of which know it; websockets stay on HTTP/1.1.'),
  publicUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('How browsers reach this hub, when a front server stands before it.'),
  subdomainHost: SubdomainHost.describe(
    "The hub's address, under which each person's servers get a host of their own (`https://ada.hub.example.org`): one person's pages cannot reach another's. Needs DNS and TLS for every name below it.",
  ),
  trustedProxies: z
    .array(z.string().refine(isAddress, 'Write an IP address, or a range like 10.0.0.0/8'))
    .default([])
    .describe('Addresses and ranges of front servers whose X-Forwarded headers are believed.'),
  connectionsPerAddress: z
    .int()
    .nonnegative()
    .default(10_000)
    .describe(
      'How many connections one address may have open with each process of the proxy (`workers`), of IPv6 one network of 64 bits; those of `trustedProxies` are not limited. 0 for any number.',
    ),
  accessLog: z
    .boolean()
    .default(false)
    .describe('Write a line for each request into `hub-logs/access.log` in the data directory.'),
  workers: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe(
      'How many processes the proxy is; some 60 MB of memory each. Without it, one per processor core, at most 4. Counts from the next `atrium up` or `atrium restart --proxy` on.',
    ),
  drain: Duration.prefault('5m').describe(
    'How long connections may last through a proxy that was replaced (`atrium restart --proxy`). Websockets that are open then are closed with a close frame, and browsers open them again.',
  ),
  database: z
    .union([
      z
        .string()
        .regex(/^(sqlite|postgres|postgresql):\/\//, 'Write sqlite:///absolute/path or postgres://user@host/name'),
      z.instanceof(Secret),
    ])
    .optional()
    .describe('sqlite:///path or postgres://…; without it, hub.sqlite in the data directory.'),
  hubKey: z
    .instanceof(Secret)
    .optional()
    .describe('Key that server tokens and form checks are derived from; without it, a file in the data directory.'),
  authenticator: z
    .custom<ConfiguredAuthenticator>(isPlugin('authenticator'), 'Use an authenticator plug-in, such as password()')
    .describe('How people prove who they are; without it, password().'),
  spawner: z
    .custom<ConfiguredSpawner>(isPlugin('spawner'), 'Use a spawner plug-in, such as processSpawner()')
    .describe('What runs their servers; without it, processSpawner().'),
  usernameMap: z
    .record(
      z.string().refine((name) => name === name.trim().toLowerCase(), 'Write it in lower case'),
      UserName,
    )
    .default({})
    .describe(
      "Whose account is whose: `{ 'ada.lovelace@example.org': 'ada' }`, by the name the sign-in proves, in lower case. Not with an authenticator that keeps accounts here.",
    ),
  usernamePattern: z
    .string()
    .refine(isPattern, 'Write a regular expression, such as [a-z][a-z0-9]*')
    .optional()
    .describe(
      'A regular expression for the whole name: nobody new signs in, or is given an account by an administrator, under another. Accounts that there are, or come with an import, stay.',
    ),
  access: Access.prefault({}).describe('Who is allowed in. Rules add up; nobody is allowed without one; blocked wins.'),
  groups: Groups.default({}).describe(
    "Who is in which group: `{ biology: { users: ['ada'] } }`; beside what the sign-in says and `atrium group`.",
  ),
  roles: Roles.default([]).describe(
    "Who may do what: `[{ name: 'course-staff', scopes: ['admin:servers!group=course'], users: ['ada'] }]`, also for `groups` and `services`.",
  ),
  customScopes: CustomScopesConfig.default({}).describe(
    "Scopes that services give a meaning to: `{ 'custom:grades:read': { description: 'read grades' } }`.",
  ),
  extraUserScopes: z
    .array(z.string())
    .default([])
    .describe("Scopes that everybody holds beside those of the role `user`: `['access:services']`."),
  services: Services.default([]).describe(
    "What stands beside people's servers: `[{ name: 'grader', url: 'http://127.0.0.1:9000', command: [...] }]`.",
  ),
  start: Start.prefault({}).describe('Starting and stopping servers.'),
  stopped: Stopped.prefault({}).describe('Servers that do not run.'),
  redirectToServer: z
    .boolean()
    .default(true)
    .describe('Whoever has signed in goes on to their server; otherwise to their home page.'),
  idle: Idle.prefault({}).describe('When a server stops by itself.'),
  limits: Limits.prefault({}).describe('How much money, time and how many servers a person may use.'),
  calendar: z
    .array(Lesson)
    .default([])
    .describe('Lessons: servers of a class are started before them, and stopped again where nobody uses them.'),
  storage: z
    .strictObject({
      deleteByOwner: z.boolean().default(false).describe('People may delete their own storage, with everything in it.'),
    })
    .prefault({})
    .describe("People's lasting storage, where the spawner manages it."),
  namedServers: z
    .strictObject({
      limit: z
        .union([z.int().nonnegative(), z.custom<NamedServerLimit>((value) => typeof value === 'function')])
        .default(10)
        .describe(
          'How many named servers a person may have; 0 for none. Or a function that says it for a person (`{ name, admin, groups }`).',
        ),
    })
    .prefault({})
    .describe('Servers beside the default one.'),
  onUserDelete: z
    .enum(['keep-home', 'delete-home'])
    .default('keep-home')
    .describe("What happens to a deleted user's home folder."),
  sessions: z
    .strictObject({
      maxAge: Duration.prefault('14d').describe('How long a sign-in lasts.'),
      refreshAge: Duration.prefault('5m').describe(
        'How old may be what the sign-in service said of somebody, where the authenticator can ask it again; 0 for any age.',
      ),
      refreshBeforeStart: z
        .boolean()
        .default(false)
        .describe(
          'Ask again before each start that somebody asks for in their own browser, however fresh the answer of before; by a token only with `refreshTokens`.',
        ),
      refreshTokens: z
        .boolean()
        .default(false)
        .describe(
          'Whoever would have to sign in again can do nothing with their tokens either, nor others start their servers.',
        ),
      stopServers: z.boolean().default(false).describe('Whoever signs out has all their servers stopped.'),
    })
    .prefault({})
    .describe('Signed-in browsers.'),
  keepAuthState: z
    .boolean()
    .default(false)
    .describe('Keep what the sign-in service says about people (`auth_state`), sealed with the hub key.'),
  tokens: z
    .strictObject({ maxExpiresIn: Duration.prefault(0).describe('Longest life of an API token; 0 for no limit.') })
    .prefault({})
    .describe('API tokens.'),
  oauth: z
    .strictObject({
      requirePkce: z
        .boolean()
        .default(false)
        .describe('Sign-ins for servers and services must use PKCE; those of JupyterHub 5 and older do not.'),
    })
    .prefault({})
    .describe('Signing in to servers and services.'),
  metrics: MetricsConfig.prefault({}).describe('Measurements for Prometheus.'),
  audit: AuditConfig.prefault({}).describe('The audit trail: who did what to whom.'),
  charts: ChartsConfig.prefault({}).describe('The charts of the administration page.'),
  eventLog: EventLogConfig.prefault({}).describe("Starts and stops of servers in JupyterHub's event schema."),
  branding: Branding.prefault({}).describe('Name, colour, help.'),
  cluster: z
    .unknown()
    .optional()
    .describe('The installation on AWS that `atrium cluster` builds and removes; read by that command alone.'),
});

/** What an operator writes. */
export type HubConfigInput = z.input<typeof HubConfigSchema>;
/** What the hub reads: complete, durations in seconds. */
export type HubConfig = z.output<typeof HubConfigSchema>;

/** Types and completes a configuration file; checks nothing by itself. */
export function defineConfig(config: Partial<HubConfigInput>): Partial<HubConfigInput> {
  return config;
}
