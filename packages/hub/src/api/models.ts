import { z } from 'zod';

const Time = z.string().describe('UTC, ISO 8601.');
const Options = z.record(z.string(), z.unknown());

/** Contract §3.3. */
export const ServerModel = z
  .object({
    name: z.string().describe("'' for the default server."),
    display_name: z.string(),
    full_name: z.string().describe('`user/server`; the default server is `user/`.'),
    last_activity: Time.nullable(),
    started: Time.nullable(),
    pending: z.enum(['spawn', 'stop']).nullable(),
    ready: z.boolean(),
    stopped: z.boolean(),
    url: z.string(),
    user_options: Options,
    progress_url: z.string(),
    full_url: z.string().nullable(),
    full_progress_url: z.string().nullable(),
    state: Options.optional().describe('With `admin:server_state`.'),
  })
  .meta({ title: 'Server' });

/** Which keys appear depends on the scopes held for that user. */
export const UserModel = z
  .object({
    kind: z.literal('user'),
    name: z.string(),
    admin: z.boolean().optional(),
    roles: z.array(z.string()).optional(),
    groups: z.array(z.string()).optional(),
    server: z.string().nullable().optional().describe('URL path of the default server when it is ready.'),
    pending: z.enum(['spawn', 'stop']).nullable().optional(),
    created: Time.optional(),
    last_activity: Time.nullable().optional(),
    servers: z.record(z.string(), ServerModel).optional(),
    auth_state: z.unknown().describe('Of one user, where it is kept; null in lists.').optional(),
    user_info: Options.nullable().optional(),
  })
  .meta({ title: 'User' });

/** Which keys appear depends on the scopes held for that group. */
export const GroupModel = z
  .object({
    kind: z.literal('group'),
    name: z.string(),
    users: z.array(z.string()).optional(),
    properties: Options.optional(),
    roles: z.array(z.string()).optional(),
  })
  .meta({ title: 'Group' });

/** Which keys appear depends on the scopes held for that service. */
export const ServiceModel = z
  .object({
    kind: z.literal('service'),
    name: z.string(),
    admin: z.boolean().optional(),
    roles: z.array(z.string()).optional(),
    url: z.string().nullable().optional(),
    prefix: z.string().nullable().optional().describe('Its path below this hub, when it has one.'),
    command: z.array(z.string()).optional(),
    pid: z.int().nullable().optional(),
    info: Options.optional(),
    display: z.boolean().optional(),
  })
  .meta({ title: 'Service' });

const self = {
  scopes: z.array(z.string()).describe('Everything this request may do: expanded and resolved.'),
  token_id: z.string().nullable(),
  session_id: z.string().nullable(),
};

/** A person, or a service. */
export const SelfModel = z
  .discriminatedUnion('kind', [UserModel.extend(self), ServiceModel.extend(self)])
  .meta({ title: 'Self' });

export const TokenModel = z
  .object({
    user: z.string().optional().describe('Whose it is, when that is a person.'),
    service: z.string().optional().describe('Whose it is, when that is a service.'),
    id: z.string(),
    kind: z.literal('api_token'),
    roles: z.array(z.string()),
    scopes: z.array(z.string()),
    created: Time,
    last_activity: Time.nullable(),
    expires_at: Time.nullable(),
    note: z.string(),
    session_id: z.string().nullable(),
    oauth_client: z.string(),
  })
  .meta({ title: 'Token' });

export const NewTokenModel = TokenModel.extend({ token: z.string().describe('Shown this once.') }).meta({
  title: 'NewToken',
});

const SharedServerModel = z.object({
  user: z.object({ name: z.string() }),
  name: z.string().describe("'' for the default server."),
  url: z.string(),
  full_url: z.string().nullable(),
  ready: z.boolean(),
});

export const ShareModel = z
  .object({
    server: SharedServerModel,
    scopes: z.array(z.string()).describe('Each for this server.'),
    user: z.object({ name: z.string() }).nullable(),
    group: z.object({ name: z.string() }).nullable(),
    kind: z.enum(['user', 'group']),
    created_at: Time,
  })
  .meta({ title: 'Share' });

export const ShareCodeModel = z
  .object({
    server: SharedServerModel,
    scopes: z.array(z.string()).describe('Each for this server.'),
    id: z.string(),
    created_at: Time,
    expires_at: Time,
    exchange_count: z.int(),
    last_exchanged_at: Time.nullable(),
  })
  .meta({ title: 'ShareCode' });

export const NewShareCodeModel = ShareCodeModel.extend({
  code: z.string().describe('Shown this once.'),
  accept_url: z.string().describe('The page where it is accepted.'),
  full_accept_url: z.string().nullable(),
}).meta({ title: 'NewShareCode' });

/** A body with keys that are not known is refused, and names them. */
export function strictBody<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? `Invalid JSON keys: ${(issue.keys as string[]).join(', ')}` : undefined,
  });
}

export const Empty = z.undefined().describe('No body.');

export const UserParams = z.object({ user: z.string() });
export const ServerParams = z.object({ user: z.string(), server: z.string().optional() });
