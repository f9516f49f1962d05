import type { Generated } from 'kysely';

/* Tables of imports from JupyterHub. */

/** One run of `atrium import … --apply`. */
export interface ImportsTable {
  id: Generated<number>;
  /** Which database it was: a file, or host and name. */
  source: string;
  revision: string;
  at: number;
  undone_at: number | null;
  /** What JupyterHub signed its login cookies with, sealed with the hub key; null when it was not given, or is over. */
  cookie_secret: string | null;
  /** Until when its login cookies are taken. */
  logins_until: number | null;
}

/** What an import added. */
export interface ImportItemsTable {
  /** `user`, `group`, `member`, `server`, `token`, … */
  kind: string;
  /** What it is called there: a name, or JSON of several; a token's stored hash. */
  theirs: string;
  import_id: number;
  /** Key of the row here. */
  ours: string;
  /** JSON of what the row said when it was added: whoever takes the import back looks whether it still does. */
  fingerprint: string;
}

/** Tokens of a JupyterHub that were not used here yet; `api_tokens.hash` of theirs matches nothing. */
export interface LegacyTokensTable {
  token_id: number;
  /** The token's first four characters. */
  prefix: string;
  /** As JupyterHub stored it: `algorithm:rounds:salt:hexdigest`. */
  hashed: string;
}

/** Whose browsers carry which id in their JupyterHub login cookie. */
export interface LegacyLoginsTable {
  /** SHA-256 hex of `users.cookie_id`. */
  hash: string;
  user_id: number;
  import_id: number;
}

/** JupyterHub's login cookies that a session was made of: none counts twice. SHA-256 hex of the cookie. */
export interface UsedLoginsTable {
  hash: string;
  import_id: number;
}
