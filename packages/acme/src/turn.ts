import { readFile } from 'node:fs/promises';
import type { Acme } from './acme.ts';
import type { AcmeClient } from './client/client.ts';
import { AcmeProblem, MAX_RETRY_AFTER_MS } from './client/problem.ts';
import { certificateId, drawTime } from './client/renewal-info.ts';
import { issue, openClient, usualRenewal } from './issue.ts';
import type { CertificateState } from './store.ts';

/** Authorities count failures by the hour: four of these fit into one. */
const FIRST_RETRY_MS = 5 * 60_000;
const LAST_RETRY_MS = 12 * 3_600_000;
/** How often the authority is asked when to renew, when it does not say. */
const ASK_MS = { usual: 6 * 3_600_000, least: 60_000, most: 24 * 3_600_000 };

/** What a failure depends on. */
type Tried = Pick<Acme, 'settings' | 'kind' | 'fingerprint'>;
type Due = 'fetch' | 'ask' | undefined;

/** What there is to do now: get a certificate, ask the authority when to renew, or nothing. */
export function isDue(acme: Tried & Pick<Acme, 'clock'>, state: CertificateState): Due {
  const now = acme.clock.now();
  // After a renewal that followed another too soon nothing has failed.
  const same = state.attempts === 0 ? fits(acme, state) : state.tried === triedOf(acme);
  const limited = state.problemKind === 'rateLimited' && directoryTried(state) === acme.settings.directory;
  const left = state.nextAt - now;
  // Nobody was ever told to wait longer: the clock was wrong then, or is now.
  if (left > 0 && left <= MAX_RETRY_AFTER_MS && (same || limited)) return undefined;
  if (!fits(acme, state) || now >= state.renewAt) return 'fetch';
  return now >= state.askAt ? 'ask' : undefined;
}

/** Whether there is a certificate for what the settings say. */
function fits({ settings }: Pick<Acme, 'settings'>, state: CertificateState): boolean {
  const { directory, domains } = settings;
  const same = [...state.domains].sort().join() === [...domains].sort().join();
  return state.chain !== undefined && same && state.directory === directory;
}

/** What a failure is about: whoever changes any of it need not wait. */
function triedOf({ settings, kind, fingerprint }: Tried): string {
  const { email, domains, directory, ca, dns, eab } = settings;
  return JSON.stringify([
    email,
    domains,
    directory,
    ca,
    kind,
    dns && ['exec' in dns ? dns.exec : dns.route53, dns.wait],
    // Not the key itself: this is kept as it is.
    eab && [eab.kid, fingerprint(eab.hmacKey.reveal())],
  ]);
}

/** Whose limit it was. */
function directoryTried({ tried }: CertificateState): unknown {
  try {
    return (JSON.parse(tried ?? '[]') as unknown[])[2];
  } catch {
    return undefined;
  }
}

/**
 * Does what is due: fetches a certificate, or asks the authority when to renew. A failure is told and kept, and puts off the
 * next attempt. Rejects when the signal ends it, and when the store does not answer.
 */
export async function turn(acme: Acme, signal: AbortSignal): Promise<void> {
  const { store, log } = acme;
  const { ca: caFile, domains, directory } = acme.settings;
  // Somebody else may have done it until a moment ago.
  const state = await store.readState();
  const due = isDue(acme, state);
  if (!due) return;
  try {
    const ca = caFile === undefined ? undefined : await readCa(acme, caFile);
    const client = await openClient(acme, ca, signal);
    if (due === 'ask') return await askWhen(acme, client, state);
    log.info({ domains, directory }, 'fetching a certificate');
    const replaces = fits(acme, state) ? state.chain : undefined;
    const issued = await issue(acme, client, { replaces, signal });
    const until = new Date(issued.notAfter).toISOString();
    log.info({ domains, until }, `a new certificate for ${domains.join(', ')} is there`);
    await acme.tell(undefined);
  } catch (error) {
    if (signal.aborted) throw error;
    if (due === 'ask') return await saidNothing(acme, state, error);
    await failed(acme, state, error as Error);
  }
}

/** Says what went wrong, and puts off the next attempt. */
async function failed(acme: Acme, state: CertificateState, error: Error): Promise<void> {
  const { store, clock, log, words, settings } = acme;
  const now = clock.now();
  const tried = triedOf(acme);
  const attempts = state.tried === tried ? state.attempts + 1 : 1;
  const { kind, retryAfterMs } = error instanceof AcmeProblem ? error : { kind: '', retryAfterMs: undefined };
  const pause = Math.min(FIRST_RETRY_MS * 2 ** (attempts - 1), LAST_RETRY_MS);
  // Not everybody whom an authority failed comes back at the same moment.
  const nextAt = now + Math.max(pause * (1 + Math.random() / 10), retryAfterMs ?? 0);
  const problem =
    error instanceof AcmeProblem ? error.message : `An error of this program; the ${words.program}’s log has it.`;
  await store.putFailure({ tried, attempts, nextAt: Math.round(nextAt), problem, kind, now });
  const again = new Date(nextAt).toISOString();
  const ends = fits(acme, state)
    ? ` The present one ends on ${new Date(state.notAfter).toISOString().slice(0, 10)}.`
    : '';
  const text = `No certificate for ${settings.domains.join(', ')}: ${problem}${/[.!?]$/.test(problem) ? '' : '.'}${ends}`;
  const plain = error instanceof AcmeProblem;
  log.error({ ...(!plain && { err: error }), attempts, again }, `${text} The next attempt is at ${again}.`);
  await acme.tell(text);
}

/** ACME Renewal Information (RFC 9773). An authority that has none, or is silent, changes nothing. */
async function askWhen(acme: Acme, client: AcmeClient, state: CertificateState): Promise<void> {
  const { store, clock, log } = acme;
  const { chain, notBefore, notAfter } = state;
  const usual = usualRenewal(notBefore, notAfter);
  const now = clock.now();
  const id = chain === undefined ? undefined : certificateId(chain);
  if (client.directory.renewalInfo === undefined || id === undefined) {
    return store.putRenewal(state, { renewAt: usual, askAt: now + ASK_MS.most });
  }
  try {
    const { window, againMs = ASK_MS.usual } = await client.renewalInfo(id);
    const askAt = now + Math.min(Math.max(againMs, ASK_MS.least), ASK_MS.most);
    const { start, end } = (window ?? {}) as { start?: string; end?: string };
    // Drawn once for a window: drawn again and again, it would always be sooner.
    const drawn = Date.parse(start ?? '') <= state.renewAt && state.renewAt <= Date.parse(end ?? '');
    const renewAt = drawn ? state.renewAt : (drawTime(window, notAfter) ?? usual);
    await store.putRenewal(state, { renewAt: Math.round(renewAt), askAt });
    log.debug({ renewAt, askAt }, 'the authority said when to renew the certificate');
  } catch (err) {
    await saidNothing(acme, state, err);
  }
}

/** An authority that cannot be asked is no failure: what is known of the renewal stands. */
async function saidNothing({ store, clock, log }: Acme, state: CertificateState, err: unknown): Promise<void> {
  log.info({ err }, 'the authority did not say when to renew the certificate');
  const renewAt = state.renewAt || usualRenewal(state.notBefore, state.notAfter);
  await store.putRenewal(state, { renewAt, askAt: clock.now() + ASK_MS.usual });
}

async function readCa({ words }: Acme, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AcmeProblem(`${path} of ${words.ca} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
