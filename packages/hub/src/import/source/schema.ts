import { z } from 'zod';

const Time = z.number().nullable();
const Properties = z.record(z.string(), z.json());
const Names = z.array(z.string());

/**
 * What a JupyterHub knows, read from its database and put into words of its own: everything is named, because its row
 * numbers mean nothing here. The command reads it, the hub takes it over.
 */
export const SourceSchema = z.strictObject({
  /** The file, or host and database. Never a password. */
  from: z.string(),
  revision: z.string(),
  /** `4`, `5` or `6`. */
  version: z.string(),
  users: z.array(
    z.strictObject({
      name: z.string(),
      admin: z.boolean(),
      created: Time,
      lastActivity: Time,
      /** What the login cookie carries. */
      cookieId: z.string().nullable(),
      userInfo: Properties.nullable(),
      /** What the sign-in service said. `locked`: no key opens it, or none was given. */
      authState: z.union([z.literal('none'), z.literal('locked'), z.strictObject({ state: z.json() })]),
    }),
  ),
  groups: z.array(z.strictObject({ name: z.string(), properties: Properties, members: Names })),
  roles: z.array(
    z.strictObject({
      name: z.string(),
      description: z.string(),
      scopes: Names,
      users: Names,
      groups: Names,
      services: Names,
    }),
  ),
  services: z.array(
    z.strictObject({
      name: z.string(),
      admin: z.boolean(),
      url: z.string().nullable(),
      fromConfig: z.boolean(),
      info: Properties,
      display: z.boolean(),
      noConfirm: z.boolean(),
      command: Names,
      clientId: z.string().nullable(),
      /** As stored: `sha512:16384:…`. */
      clientSecretHash: z.string().nullable(),
      redirectUri: z.string().nullable(),
      allowedScopes: Names,
    }),
  ),
  servers: z.array(
    z.strictObject({
      user: z.string(),
      name: z.string(),
      displayName: z.string().nullable(),
      options: Properties,
      lastActivity: Time,
      created: Time,
      running: z.boolean(),
    }),
  ),
  tokens: z.array(
    z.strictObject({
      id: z.number(),
      user: z.string().nullable(),
      service: z.string().nullable(),
      hashed: z.string(),
      prefix: z.string(),
      clientId: z.string().nullable(),
      created: Time,
      expiresAt: Time,
      lastActivity: Time,
      note: z.string(),
      scopes: Names,
    }),
  ),
  shares: z.array(
    z.strictObject({
      owner: z.string(),
      server: z.string(),
      user: z.string().nullable(),
      group: z.string().nullable(),
      scopes: Names,
      created: Time,
      expiresAt: Time,
    }),
  ),
  shareCodes: z.array(
    z.strictObject({
      owner: z.string(),
      server: z.string(),
      hashed: z.string(),
      prefix: z.string(),
      scopes: Names,
      created: Time,
      expiresAt: Time,
      exchanged: z.number(),
    }),
  ),
  /** Sign-ins of programs that were half done. */
  codes: z.number(),
  /** Tables that are not JupyterHub's own: an authenticator's, a service's. */
  otherTables: z.array(z.strictObject({ name: z.string(), rows: z.number() })),
});

export type Source = z.output<typeof SourceSchema>;
