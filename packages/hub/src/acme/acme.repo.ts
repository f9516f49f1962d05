import {
  type Failure,
  type Issued,
  type KeptOrder,
  NOTHING,
  PACE_MS,
  type CertificateState as State,
} from '@atrium/acme';
import type { AcmeChallenge, CertificateText, FetchedTls } from '@atrium/sdk';
import { takeNumber } from '../db/counters.repo.ts';
import { fromJson } from '../db/json.ts';
import type { AcmeCertificatesTable, Db } from '../db/types.ts';
import type { Keys } from '../keys.ts';

/** The one certificate that there is. */
const NAME = 'hub';
const SEAL = { account: 'acme-account', certificate: 'acme-certificate', challenge: 'acme-challenge' } as const;

/** The account's key, PEM; undefined without one, or when it was sealed with another hub key. */
export async function findAccountKey(db: Db, keys: Keys, directory: string): Promise<string | undefined> {
  const row = await db.selectFrom('acme_accounts').select('key').where('directory', '=', directory).executeTakeFirst();
  return row && keys.open(SEAL.account, row.key);
}

/**
 * Keeps the key of a new account, unless another hub has kept one meanwhile: it then minds the account, which must not be lost.
 * @returns the key that counts
 */
export async function keepAccountKey(
  db: Db,
  keys: Keys,
  account: { directory: string; key: string; now: number },
): Promise<string> {
  const { directory, now } = account;
  return db.transaction().execute(async (tx) => {
    const values = { key: keys.seal(SEAL.account, account.key), created: now };
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('acme_accounts')
      .values({ directory, ...values })
      .onConflict((conflict) => conflict.column('directory').doNothing())
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows === 1n) return account.key;
    const known = await findAccountKey(tx, keys, directory);
    if (known !== undefined) return known;
    // Sealed with a hub key that nobody has any more.
    await tx.updateTable('acme_accounts').set(values).where('directory', '=', directory).execute();
    return account.key;
  });
}

/** What is known of the certificate, without its key. */
export interface CertificateState extends State {
  /** Of the last change. */
  version: number;
}

const findRow = (db: Db) => db.selectFrom('acme_certificates').selectAll().where('name', '=', NAME).executeTakeFirst();

export async function readState(db: Db): Promise<CertificateState> {
  const row = await findRow(db);
  if (!row) return { ...NOTHING, version: 0 };
  return {
    chain: row.chain ?? undefined,
    directory: row.directory ?? undefined,
    domains: fromJson<string[]>(row.domains) ?? [],
    notBefore: row.not_before ?? 0,
    notAfter: row.not_after ?? 0,
    renewAt: row.renew_at ?? 0,
    askAt: row.ask_at ?? 0,
    tried: row.tried ?? undefined,
    attempts: row.attempts,
    nextAt: row.next_at,
    problem: row.problem ?? undefined,
    problemKind: row.problem_kind ?? undefined,
    version: row.version,
  };
}

type Change = Partial<Omit<AcmeCertificatesTable, 'name'>>;

async function change(db: Db, values: Change): Promise<void> {
  await db
    .insertInto('acme_certificates')
    .values({ name: NAME, attempts: 0, next_at: 0, version: 0, ...values })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
    .execute();
}

/** An order of before, which may go on. */
export async function readOrder(db: Db, keys: Keys): Promise<KeptOrder | undefined> {
  const row = await findRow(db);
  const key = row?.order_key ? keys.open(SEAL.certificate, row.order_key) : undefined;
  return row?.order_url && key !== undefined ? { url: row.order_url, key } : undefined;
}

/** Kept before anything is done about it, so that a hub that takes over wastes no certificate. */
export async function putOrder(db: Db, keys: Keys, order: KeptOrder): Promise<void> {
  await change(db, { order_url: order.url, order_key: keys.seal(SEAL.certificate, order.key) });
}

/** It is not asked about again; another one, which another hub has begun, stays. */
export async function dropOrder(db: Db, url: string): Promise<void> {
  await db
    .updateTable('acme_certificates')
    .set({ order_url: null, order_key: null })
    .where('name', '=', NAME)
    .where('order_url', '=', url)
    .execute();
}

/** From now on this one is served; what went wrong before is forgotten. @returns the version with it */
export async function putCertificate(db: Db, keys: Keys, issued: Issued, now: number): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const before = (await findRow(tx))?.issued_at ?? 0;
    // Those of a hub that died have nothing to prove any more.
    await tx.deleteFrom('acme_challenges').execute();
    const version = (await takeNumber(tx, 'route_version')) + 1;
    await change(tx, {
      chain: issued.chain,
      key: keys.seal(SEAL.certificate, issued.key),
      directory: issued.directory,
      domains: JSON.stringify(issued.domains),
      not_before: issued.notBefore,
      not_after: issued.notAfter,
      renew_at: issued.renewAt,
      ask_at: 0,
      order_url: null,
      order_key: null,
      issued_at: now,
      attempts: 0,
      next_at: now - before < PACE_MS ? now + PACE_MS : 0,
      problem: null,
      problem_kind: null,
      problem_at: null,
      version,
    });
    return version;
  });
}

/** When to renew, and when to ask that again; nothing changes when somebody said otherwise since `before` was read. */
export async function putRenewal(
  db: Db,
  before: Pick<CertificateState, 'renewAt'>,
  times: { renewAt: number; askAt: number },
): Promise<void> {
  await db
    .updateTable('acme_certificates')
    .set({ renew_at: times.renewAt, ask_at: times.askAt })
    .where('name', '=', NAME)
    .where('renew_at', '=', before.renewAt)
    .execute();
}

export async function putFailure(db: Db, { tried, attempts, nextAt, problem, kind, now }: Failure): Promise<void> {
  await change(db, { tried, attempts, next_at: nextAt, problem, problem_kind: kind, problem_at: now });
}

/** As if nothing had failed, and the certificate were due: for somebody who knows that it works now. */
export async function askForRenewal(db: Db, now: number): Promise<void> {
  await change(db, { attempts: 0, next_at: 0, renew_at: now, ask_at: Number.MAX_SAFE_INTEGER, tried: null });
}

/** These and no others are answered from now on. @returns the version with them, by which they are taken back */
export async function putChallenges(
  db: Db,
  keys: Keys,
  wanted: readonly (AcmeChallenge & { domain: string })[],
): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const version = (await takeNumber(tx, 'route_version')) + 1;
    await tx.deleteFrom('acme_challenges').execute();
    const rows = wanted.map((each) => {
      const { kind, domain } = each;
      if (each.kind === 'http-01') return { id: each.token, kind, domain, answer: each.answer };
      const { chain, key } = each;
      return { id: `alpn ${domain}`, kind, domain, answer: keys.seal(SEAL.challenge, JSON.stringify({ chain, key })) };
    });
    if (rows.length > 0) await tx.insertInto('acme_challenges').values(rows).execute();
    await change(tx, { version });
    return version;
  });
}

/**
 * Nothing is answered any more, unless others are answered since: those are of the hub that goes on with the order.
 * @param version with them
 * @returns the version without them; undefined when nothing was taken back
 */
export async function takeBackChallenges(db: Db, version: number): Promise<number | undefined> {
  return db.transaction().execute(async (tx) => {
    // Its turn among all who write comes first: what is read after that stays as it is.
    const next = (await takeNumber(tx, 'route_version')) + 1;
    const { numUpdatedRows } = await tx
      .updateTable('acme_certificates')
      .set({ version: next })
      .where('name', '=', NAME)
      .where('version', '=', version)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) return undefined;
    await tx.deleteFrom('acme_challenges').execute();
    return next;
  });
}

/** Everything that proxies have to have. */
export async function readFetched(db: Db, keys: Keys): Promise<FetchedTls> {
  const row = await findRow(db);
  const key = row?.key ? keys.open(SEAL.certificate, row.key) : undefined;
  const rows = await db.selectFrom('acme_challenges').selectAll().execute();
  const challenges = rows.flatMap(({ id, kind, domain, answer }): AcmeChallenge[] => {
    if (kind === 'http-01') return [{ kind, token: id, answer }];
    const pair = fromJson<CertificateText>(keys.open(SEAL.challenge, answer) ?? null);
    return pair ? [{ kind, domain, ...pair }] : [];
  });
  return { ...(row?.chain && key !== undefined && { certificate: { chain: row.chain, key } }), challenges };
}
