import { HubError } from '@atrium/sdk';
import type { AppContext } from '../context.ts';
import { askForRenewal, readState } from './acme.repo.ts';
import { acmeOf } from './watch.ts';

/** How it stands with the certificate that the hub fetches, for the command. Times are ms since the epoch. */
export interface CertificateNews {
  domains: readonly string[];
  directory: string;
  /** Of the certificate that is served; null until there is one. */
  notAfter: number | null;
  /** When it is renewed, by the authority's wish or with a third of its time left. */
  renewAt: number | null;
  /** Why the last attempt failed; null when it did not. */
  problem: string | null;
  /** Failures in a row, and when the next attempt is made. */
  attempts: number;
  nextAt: number | null;
}

/**
 * @param renew try at once, whatever failed before, and also when the present certificate is good for long
 * @throws HubError where the hub fetches none
 */
export async function certificateNews(ctx: AppContext, renew: boolean): Promise<CertificateNews> {
  const config = acmeOf(ctx.config);
  if (!config) throw new HubError('bad_request', 'The hub fetches no certificate: tls.acme is not set.');
  if (renew) await askForRenewal(ctx.db, ctx.clock.now());
  const { chain, notAfter, renewAt, problem, attempts, nextAt } = await readState(ctx.db);
  return {
    domains: config.domains,
    directory: config.directory,
    notAfter: chain === undefined ? null : notAfter,
    renewAt: chain === undefined ? null : renewAt,
    problem: problem ?? null,
    attempts,
    nextAt: attempts > 0 ? nextAt : null,
  };
}
