import type { SecureContextOptions } from 'node:tls';
import type { Clock, Log } from '@atrium/sdk';
import { type CertificateFiles, dayOf, expiryProblem, type Pair, readPair, stampOf, subjectOf } from './pair.ts';

/** What is told of a certificate that is served. */
export interface CertificateFacts {
  subject: string;
  names: readonly string[];
  /** Milliseconds since 1970. */
  notAfter: number;
  /** SHA-256 of the certificate, as browsers show it. */
  fingerprint: string;
  selfSigned: boolean;
}

/** How long before its end a certificate that nobody renewed is spoken of. */
export const WARN_BEFORE_MS = 30 * 86_400_000;
const WARN_AGAIN_MS = 86_400_000;

export interface StoreOptions {
  certificates: readonly CertificateFiles[];
  context: SecureContextOptions;
  /** Called before each look at the files: may put others there. */
  renew?(): Promise<unknown>;
  clock: Clock;
  log: Log;
  /** Other certificates are served from now on. */
  onChange(): void;
}

/** The certificates that are served: looked at again and again, and replaced while connections go on. */
export class CertificateStore {
  readonly #options: StoreOptions;
  #pairs: readonly Pair[];
  #byName = new Map<string, Pair>();
  /** Versions of files that were tried in vain, by their place, and which reasons were said. */
  readonly #bad = new Map<number, { stamp: string | undefined; said: Set<string> }>();
  #warnAt = 0;

  private constructor(options: StoreOptions, pairs: readonly Pair[]) {
    this.#options = options;
    this.#pairs = pairs;
    this.#index();
  }

  /**
   * Reads all of them. One whose time is over is served, and complained of: an old certificate can be clicked through, a
   * proxy that does not start takes everybody's server away.
   * @throws CertificateError
   */
  static async open(options: StoreOptions): Promise<CertificateStore> {
    const pairs = await Promise.all(options.certificates.map((files) => readPair(files, options.context)));
    const store = new CertificateStore(options, pairs);
    for (const warning of pairs.flatMap((pair) => pair.warnings)) options.log.warn({}, warning);
    return store;
  }

  /** For clients that name no host, or one that no certificate is for. */
  get first(): Pair {
    return this.#pairs[0]!;
  }

  get facts(): CertificateFacts[] {
    return this.#pairs.map(factsOf);
  }

  /** @param name as the client sent it (SNI) */
  of(name: string | false | undefined | null): Pair {
    if (this.#pairs.length === 1 || !name) return this.first;
    const lower = name.toLowerCase();
    return this.#byName.get(lower) ?? this.#byName.get(`*${lower.slice(lower.indexOf('.'))}`) ?? this.first;
  }

  /** Looks at the files once: new and good ones are served from now on, of bad ones the old are kept. */
  async look(): Promise<void> {
    const { certificates, context, log, clock, renew } = this.#options;
    await renew?.().catch((err: Error) => log.error({ err }, 'a certificate is not renewed'));
    const pairs = [...this.#pairs];
    for (const [at, files] of certificates.entries()) {
      const stamp = await stampOf(files);
      const bad = this.#bad.get(at);
      if (stamp === pairs[at]!.stamp) {
        this.#bad.delete(at);
        continue;
      }
      // Also what was refused before: a time that had not begun, or files that could not be opened just then, come right.
      try {
        const pair = await readPair(files, context);
        const expired = expiryProblem(files.cert, pair, clock.now());
        if (expired) throw new Error(expired);
        pairs[at] = pair;
        this.#bad.delete(at);
        const { certificate, names, notAfter } = pair;
        const fingerprint = certificate.fingerprint256;
        log.info({ names, fingerprint }, `${files.cert}: a new certificate is served, good until ${dayOf(notAfter)}`);
        for (const warning of pair.warnings) log.warn({}, warning);
      } catch (err) {
        // Renewals write one file after the other: what is still wrong at the next look is a mistake.
        if (bad === undefined || bad.stamp !== stamp) {
          this.#bad.set(at, { stamp, said: new Set() });
          continue;
        }
        const { message } = err as Error;
        if (bad.said.has(message)) continue;
        bad.said.add(message);
        log.error({ err }, 'a new certificate is not taken, the old one is still served');
      }
    }
    if (pairs.some((pair, at) => pair !== this.#pairs[at])) {
      this.#pairs = pairs;
      this.#index();
      this.#warnAt = 0;
      this.#options.onChange();
    }
    this.#warnOfEnd();
  }

  /** Until the signal. */
  async watch(everyMs: number, signal: AbortSignal): Promise<void> {
    this.#warnOfEnd();
    while (!signal.aborted) {
      await this.#options.clock.sleep(everyMs, signal).catch(() => undefined);
      if (!signal.aborted) await this.look();
    }
  }

  #index(): void {
    this.#byName = new Map();
    // Of two for one name the first one counts.
    for (const pair of [...this.#pairs].reverse()) for (const name of pair.names) this.#byName.set(name, pair);
  }

  #warnOfEnd(): void {
    const { certificates, clock, log } = this.#options;
    const now = clock.now();
    if (now < this.#warnAt) return;
    this.#warnAt = now + WARN_AGAIN_MS;
    for (const [at, pair] of this.#pairs.entries()) {
      const path = certificates[at]!.cert;
      const problem = expiryProblem(path, pair, now);
      if (problem) log.error({}, problem);
      else if (pair.notAfter - now < WARN_BEFORE_MS) log.warn({}, `${path}: ${endsText(pair.notAfter, now)}`);
    }
  }
}

export function factsOf({ certificate, names, notAfter, selfSigned }: Pair): CertificateFacts {
  return { subject: subjectOf(certificate), names, notAfter, fingerprint: certificate.fingerprint256, selfSigned };
}

/** `the certificate ends in 12 days, on 2026-12-04` */
export function endsText(notAfter: number, now: number): string {
  const days = Math.floor((notAfter - now) / 86_400_000);
  return `the certificate ends in ${days} ${days === 1 ? 'day' : 'days'}, on ${dayOf(notAfter)}`;
}
