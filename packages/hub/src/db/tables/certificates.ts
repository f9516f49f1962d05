/* Tables of certificates that the hub fetches by ACME. */

/** The hub's account at an authority. */
export interface AcmeAccountsTable {
  directory: string;
  /** PEM, sealed. */
  key: string;
  created: number;
}

/** The certificate that all proxies share: one row, `hub`. */
export interface AcmeCertificatesTable {
  name: string;
  /** PEM; null until the first one is there. */
  chain: string | null;
  /** PEM, sealed. */
  key: string | null;
  /** Where it is from. */
  directory: string | null;
  /** JSON list: for which names it was asked. */
  domains: string | null;
  not_before: number | null;
  not_after: number | null;
  /** When it was fetched, by our clock. */
  issued_at: number | null;
  renew_at: number | null;
  /** When the authority is asked again when to renew. */
  ask_at: number | null;
  /** An order under way, with its key (PEM, sealed). */
  order_url: string | null;
  order_key: string | null;
  /** With which settings the last attempt was made: others are tried at once. */
  tried: string | null;
  /** That failed, in a row. */
  attempts: number;
  /** Not before this. */
  next_at: number;
  problem: string | null;
  problem_kind: string | null;
  problem_at: number | null;
  /** `route_version` of the last change that proxies have to hear of. */
  version: number;
}

/** What proxies answer the authority, for as long as it looks. */
export interface AcmeChallengesTable {
  id: string;
  kind: 'http-01' | 'tls-alpn-01';
  domain: string;
  /** `http-01`: the key authorization. `tls-alpn-01`: JSON of chain and key, sealed. */
  answer: string;
}
