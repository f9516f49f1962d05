import type { CertificateText } from '@atrium/sdk';

/** What is known of the certificate, without its key. Times are ms since the epoch. */
export interface CertificateState {
  chain: string | undefined;
  directory: string | undefined;
  domains: readonly string[];
  notBefore: number;
  notAfter: number;
  renewAt: number;
  /** When the authority is asked again when to renew. */
  askAt: number;
  /** What the last failure was about. */
  tried: string | undefined;
  /** Failures in a row. */
  attempts: number;
  /** Nothing is tried before. */
  nextAt: number;
  problem: string | undefined;
  problemKind: string | undefined;
}

/** Before anything was ever fetched. */
export const NOTHING: CertificateState = {
  chain: undefined,
  directory: undefined,
  domains: [],
  notBefore: 0,
  notAfter: 0,
  renewAt: 0,
  askAt: 0,
  tried: undefined,
  attempts: 0,
  nextAt: 0,
  problem: undefined,
  problemKind: undefined,
};

export interface Issued extends CertificateText {
  directory: string;
  domains: readonly string[];
  notBefore: number;
  notAfter: number;
  renewAt: number;
}

export interface Failure {
  tried: string;
  attempts: number;
  nextAt: number;
  problem: string;
  kind: string;
  now: number;
}

/** An order at an authority, and the key (PEM) of the certificate that comes of it. */
export interface KeptOrder {
  url: string;
  key: string;
}

/**
 * A second renewal within this time has to wait for its end: a clock that is wrong, or an authority that wants every
 * certificate renewed at once, would use up a week's worth of them in a minute.
 */
export const PACE_MS = 3_600_000;

/** Where everything is kept that a process which goes on after a crash has to know. Whatever resolved is kept for good. */
export interface AcmeStore {
  /** The account's key, PEM; undefined without one, or when nobody can read it any more. */
  findAccountKey(directory: string): Promise<string | undefined>;
  /** Keeps the key of a new account, unless there is one by now. @returns the key that counts */
  keepAccountKey(account: { directory: string; key: string; now: number }): Promise<string>;
  readState(): Promise<CertificateState>;
  /** An order of before, which may go on. */
  readOrder(): Promise<KeptOrder | undefined>;
  /** Kept before anything is done about it, so that whoever takes over wastes no certificate. */
  putOrder(order: KeptOrder): Promise<void>;
  /** It is not asked about again; another one, begun meanwhile, stays. */
  dropOrder(url: string): Promise<void>;
  /**
   * From now on this one is served; the order is done and what went wrong before is forgotten. One that follows another
   * within `PACE_MS` puts off the next for so long.
   */
  putCertificate(issued: Issued, now: number, signal: AbortSignal): Promise<void>;
  /** When to renew, and when to ask that again; nothing changes when somebody said otherwise since `before` was read. */
  putRenewal(before: Pick<CertificateState, 'renewAt'>, times: { renewAt: number; askAt: number }): Promise<void>;
  putFailure(failure: Failure): Promise<void>;
}
