import { readFile } from 'node:fs/promises';
import type { AcmeConfig } from '../config/acme-schema.ts';
import type { AppContext } from '../context.ts';
import { whileHeld } from '../db/while-held.ts';
import { deleteAlerts, putAlert } from '../upkeep/upkeep.service.ts';
import * as repo from './acme.repo.ts';
import { AcmeProblem } from './client/problem.ts';
import { certificateId, drawTime } from './client/renewal-info.ts';
import { challengeKind, issue, openClient, usualRenewal } from './issue.ts';

const LOOK_MS = 2_000;
/** Of several hubs one fetches; when it dies in the middle of an order, another goes on after this. */
const LEASE_MS = 60_000;
const RENEW_LEASE_MS = 15_000;
/** Authorities count failures by the hour: four of these fit into one. */
const FIRST_RETRY_MS = 5 * 60_000;
const LAST_RETRY_MS = 12 * 3_600_000;
/** How often the authority is asked when to renew, when it does not say. */
const ASK_MS = { usual: 6 * 3_600_000, least: 60_000, most: 24 * 3_600_000 };
const ALERT = 'certificate_not_renewed';

/** The configuration's, when certificates are to be fetched. */
export function acmeOf({ tls }: AppContext['config']): AcmeConfig | undefined {
  return typeof tls === 'object' && 'acme' in tls ? tls.acme : undefined;
}

/** Fetches the certificate and renews it, until the signal. Of several hubs on one database one does it at a time. */
export async function watchCertificate(ctx: AppContext, signal: AbortSignal): Promise<void> {
  const config = acmeOf(ctx.config);
  const { certificates } = ctx;
  if (!config || !certificates) return;
  // Somebody else may have to prove the names where no proxy follows this hub: then one that has a proxy does it.
  const able = () => config.dns !== undefined || ctx.vitals.proxies > 0;
  while (!signal.aborted) {
    try {
      // Notices of other hubs may be missed, and proxies have to get what is served elsewhere, too.
      await certificates.refresh();
      if (able() && isDue(ctx, config, certificates.state))
        await holdingLease(ctx, signal, (held) => turn(ctx, config, held));
    } catch (err) {
      if (!signal.aborted) ctx.log.error({ err }, 'could not look after the certificate; trying again');
    }
    await ctx.clock.sleep(LOOK_MS, signal).catch(() => {});
  }
}

type Due = 'fetch' | 'ask' | undefined;

/** What there is to do now: get a certificate, ask the authority when to renew, or nothing. */
function isDue(ctx: AppContext, config: AcmeConfig, state: repo.CertificateState): Due {
  const now = ctx.clock.now();
  // After a renewal that followed another too soon nothing has failed.
  const same = state.attempts === 0 ? fits(config, state) : state.tried === triedOf(ctx, config);
  const waits = state.nextAt > now && (same || state.problemKind === 'rateLimited');
  if (waits) return undefined;
  if (!fits(config, state) || now >= state.renewAt) return 'fetch';
  return now >= state.askAt ? 'ask' : undefined;
}

/** Whether there is a certificate for what the configuration says. */
function fits({ directory, domains }: AcmeConfig, state: repo.CertificateState): boolean {
  const same = [...state.domains].sort().join() === [...domains].sort().join();
  return state.chain !== undefined && same && state.directory === directory;
}

/** What a failure is about: whoever changes any of it need not wait. */
function triedOf(ctx: AppContext, config: AcmeConfig): string {
  const { email, domains, directory, ca, dns, eab } = config;
  return JSON.stringify([
    email,
    domains,
    directory,
    ca,
    challengeKind(config, ctx.config.redirectPort),
    dns && ['exec' in dns ? dns.exec : dns.route53, dns.wait],
    // Not the key itself: this lies in the database as it is.
    eab && [eab.kid, ctx.keys.sign('acme-binding', eab.hmacKey.reveal())],
  ]);
}

async function turn(ctx: AppContext, config: AcmeConfig, signal: AbortSignal): Promise<void> {
  const { db, log } = ctx;
  // Another hub may have done it until a moment ago.
  const state = await repo.readState(db);
  const due = isDue(ctx, config, state);
  if (!due) return;
  try {
    const ca = config.ca === undefined ? undefined : await readCa(config.ca);
    const client = await openClient(ctx, config, ca, signal);
    if (due === 'ask') return await askWhen(ctx, client, state);
    log.info({ domains: config.domains, directory: config.directory }, 'fetching a certificate');
    const replaces = fits(config, state) ? state.chain : undefined;
    const issued = await issue(ctx, config, client, { replaces, signal });
    const until = new Date(issued.notAfter).toISOString();
    log.info({ domains: config.domains, until }, `a new certificate for ${config.domains.join(', ')} is there`);
    await deleteAlerts(db, { code: ALERT });
  } catch (error) {
    if (signal.aborted) throw error;
    if (due === 'ask') return await saidNothing(ctx, state, error);
    await failed(ctx, config, state, error as Error);
  } finally {
    await ctx.certificates?.refresh();
  }
}

/** Says in log, metrics and on the administrators' page what went wrong, and puts off the next attempt. */
async function failed(ctx: AppContext, config: AcmeConfig, state: repo.CertificateState, error: Error): Promise<void> {
  const { db, clock, log } = ctx;
  const now = clock.now();
  const tried = triedOf(ctx, config);
  const attempts = state.tried === tried ? state.attempts + 1 : 1;
  const { kind, retryAfterMs } = error instanceof AcmeProblem ? error : { kind: '', retryAfterMs: undefined };
  const pause = Math.min(FIRST_RETRY_MS * 2 ** (attempts - 1), LAST_RETRY_MS);
  // Not everybody whom an authority failed comes back at the same moment.
  const nextAt = now + Math.max(pause * (1 + Math.random() / 10), retryAfterMs ?? 0);
  const problem = error instanceof AcmeProblem ? error.message : 'An error of this program; the hub’s log has it.';
  await repo.putFailure(db, { tried, attempts, nextAt: Math.round(nextAt), problem, kind, now });
  const again = new Date(nextAt).toISOString();
  const ends = fits(config, state)
    ? ` The present one ends on ${new Date(state.notAfter).toISOString().slice(0, 10)}.`
    : '';
  const text = `No certificate for ${config.domains.join(', ')}: ${problem}${/[.!?]$/.test(problem) ? '' : '.'}${ends}`;
  const plain = error instanceof AcmeProblem;
  log.error({ ...(!plain && { err: error }), attempts, again }, `${text} The next attempt is at ${again}.`);
  await deleteAlerts(db, { code: ALERT });
  await putAlert(db, { code: ALERT, message: text }, now);
}

/** ACME Renewal Information (RFC 9773). An authority that has none, or is silent, changes nothing. */
async function askWhen(
  ctx: AppContext,
  client: Awaited<ReturnType<typeof openClient>>,
  state: repo.CertificateState,
): Promise<void> {
  const { db, clock, log } = ctx;
  const { chain, notBefore, notAfter } = state;
  const usual = usualRenewal(notBefore, notAfter);
  const now = clock.now();
  const id = chain === undefined ? undefined : certificateId(chain);
  if (client.directory.renewalInfo === undefined || id === undefined) {
    return repo.putRenewal(db, state, { renewAt: usual, askAt: now + ASK_MS.most });
  }
  try {
    const { window, againMs = ASK_MS.usual } = await client.renewalInfo(id);
    const askAt = now + Math.min(Math.max(againMs, ASK_MS.least), ASK_MS.most);
    const { start, end } = (window ?? {}) as { start?: string; end?: string };
    // Drawn once for a window: drawn again and again, it would always be sooner.
    const drawn = Date.parse(start ?? '') <= state.renewAt && state.renewAt <= Date.parse(end ?? '');
    const renewAt = drawn ? state.renewAt : (drawTime(window, notAfter) ?? usual);
    await repo.putRenewal(db, state, { renewAt: Math.round(renewAt), askAt });
    log.debug({ renewAt, askAt }, 'the authority said when to renew the certificate');
  } catch (err) {
    await saidNothing(ctx, state, err);
  }
}

/** An authority that cannot be asked is no failure: what is known of the renewal stands. */
async function saidNothing({ db, clock, log }: AppContext, state: repo.CertificateState, err: unknown): Promise<void> {
  log.info({ err }, 'the authority did not say when to renew the certificate');
  const renewAt = state.renewAt || usualRenewal(state.notBefore, state.notAfter);
  await repo.putRenewal(db, state, { renewAt, askAt: clock.now() + ASK_MS.usual });
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AcmeProblem(`${path} of tls.acme.ca cannot be read: ${(cause as Error).message}`, { cause });
  }
}

async function holdingLease(
  ctx: AppContext,
  signal: AbortSignal,
  act: (held: AbortSignal) => Promise<void>,
): Promise<void> {
  // On SQLite there is one hub: whatever lease is there belongs to a dead one.
  if (ctx.dialect === 'sqlite') return act(signal);
  const lease = { name: 'acme', forMs: LEASE_MS, everyMs: RENEW_LEASE_MS, work: 'looks after the certificate' };
  await whileHeld(ctx, lease, (lost) => act(AbortSignal.any([signal, lost])));
}
