import type { Generated } from 'kysely';

/* Tables of what lets somebody in: tokens, OAuth, shares. */

export interface ApiTokensTable {
  /** Shown as `a<id>` (contract §3.3). */
  id: Generated<number>;
  /** SHA-256 hex of the token. */
  hash: string;
  /** Whose it is: a person's or a service's, one of the two. */
  user_id: number | null;
  service_id: Generated<number | null>;
  /** `jupyterhub` for tokens issued by the hub itself; otherwise the OAuth client. */
  client_id: string;
  /** The browser session it was made in; deleted at that session's logout. */
  session_id: string | null;
  created: number;
  expires_at: number | null;
  last_activity: number | null;
  note: string;
  /** JSON list of stored scopes, unexpanded (`inherit`, `access:servers!server=ada/`, …). */
  scopes: string;
  /** Set for a server's own token: deleted when that start ends. */
  server_id: string | null;
  generation: number | null;
}

export interface OAuthClientsTable {
  /** `jupyterhub-user-<name>[-<server>]`, `service-<name>`. */
  identifier: string;
  /** SHA-256 hex of the secret. */
  secret_hash: string;
  redirect_uri: string;
  /** JSON list. */
  allowed_scopes: string;
  description: string;
  server_id: string | null;
  /** The service behind it; of a client, at most one of the two is set. */
  service_id: number | null;
}

export interface OAuthCodesTable {
  /** SHA-256 hex of the code. */
  hash: string;
  client_id: string;
  user_id: number;
  session_id: string | null;
  redirect_uri: string;
  /** JSON list. */
  scopes: string;
  code_challenge: string | null;
  code_challenge_method: string | null;
  expires_at: number;
}

/** What people or groups may do with somebody's server; the filter to that server is added when it is read. */
export interface SharesTable {
  id: Generated<number>;
  server_id: string;
  /** Either a person's number, or the name of a group. */
  user_id: number | null;
  group_name: string | null;
  /** JSON list, sorted, without filters. */
  scopes: string;
  created: number;
  /** Only of those that an import brought with an end. */
  expires_at: number | null;
}

/** Whoever has the code may make a share of it, until it ends. */
export interface ShareCodesTable {
  id: Generated<number>;
  server_id: string;
  hash: string;
  /** Of a code that a JupyterHub gave out and that was not used here yet; its `hash` matches nothing. */
  legacy_prefix: string | null;
  legacy_hashed: string | null;
  /** As of a share. */
  scopes: string;
  created: number;
  expires_at: number;
  exchange_count: Generated<number>;
  last_exchanged_at: number | null;
}

/**
 * Tokens that the proxy keeps from a server, for as long as the server may remember that they were good; part of the route
 * stream.
 */
export interface BarredTokensTable {
  /** '' for every server. */
  server_id: string;
  /** As in `api_tokens`. */
  hash: string;
  /** 0 when it is lifted. */
  until: number;
  /** Of the route stream. */
  version: number;
}
