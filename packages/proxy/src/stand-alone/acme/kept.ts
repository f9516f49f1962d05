import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type CertificateState, type KeptOrder, NOTHING } from '@atrium/acme';

/** Everything that a proxy has to know of its certificate when it starts again. As it lies on disk. */
export interface Kept {
  version: 1;
  /** Keys of accounts (PEM), by the authority's directory. */
  accounts: Readonly<Record<string, string>>;
  order: KeptOrder | undefined;
  state: CertificateState;
  /** Of the certificate in `state`, PEM. */
  key: string | undefined;
  issuedAt: number;
}

export const EMPTY: Kept = {
  version: 1,
  accounts: {},
  order: undefined,
  state: NOTHING,
  key: undefined,
  issuedAt: 0,
};

const TIMES = ['notBefore', 'notAfter', 'renewAt', 'nextAt'] as const;
const NUMBERS = ['askAt', 'attempts'] as const;
/** What a `Date` can be, ms. */
const MAX_TIME = 8.64e15;
const TEXTS = ['chain', 'directory', 'tried', 'problem', 'problemKind'] as const;

/** Throws what is wrong with it, as the end of a sentence. */
export function readKept(text: string): Kept {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    throw new Error('it is damaged, or a file of something else (not JSON)');
  }
  const { version, accounts, order, state, key, issuedAt } = objectOf(said);
  if (typeof version === 'number' && version > 1) throw new Error('it is from a newer atrium-proxy');
  if (version !== 1) throw new Error('it is a file of something else');
  if (!Object.values(objectOf(accounts)).every(isKey)) throw new Error('the key of an account in it is damaged');
  const { url, key: orderKey } = objectOf(order ?? {});
  if (order !== undefined && !(typeof url === 'string' && URL.canParse(url) && isKey(orderKey))) {
    throw new Error('the order in it is damaged');
  }
  const known = objectOf(state);
  const { domains, chain } = known;
  const isWhole =
    [...TIMES.map((name) => known[name]), issuedAt].every((value) => isWithin(value, MAX_TIME)) &&
    NUMBERS.every((name) => isWithin(known[name], Number.MAX_SAFE_INTEGER)) &&
    TEXTS.every((name) => known[name] === undefined || typeof known[name] === 'string') &&
    Array.isArray(domains) &&
    domains.every((name) => typeof name === 'string');
  if (!isWhole) throw new Error('something in it is missing or damaged');
  if ((chain !== undefined || key !== undefined) && !isPair(chain, key)) {
    throw new Error('the certificate in it is damaged, or its key is that of another one');
  }
  // What it does not have to have comes from `EMPTY`: JSON knows no `undefined`.
  return { ...EMPTY, ...(said as Kept), state: { ...NOTHING, ...(known as unknown as CertificateState) } };
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('something in it is missing');
  return value as Record<string, unknown>;
}

const isWithin = (value: unknown, most: number): boolean => typeof value === 'number' && value >= 0 && value <= most;

function isKey(text: unknown): boolean {
  try {
    return typeof text === 'string' && createPrivateKey(text).type === 'private';
  } catch {
    return false;
  }
}

function isPair(chain: unknown, key: unknown): boolean {
  try {
    return new X509Certificate(chain as string).checkPrivateKey(createPrivateKey(key as string));
  } catch {
    return false;
  }
}
