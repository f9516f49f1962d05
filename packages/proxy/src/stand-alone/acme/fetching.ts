import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Acme,
  type AcmeSettings,
  type CertificateState,
  challengeKind,
  isDue,
  turn,
  type Words,
} from '@atrium/acme';
import type { CertificateText, Clock, FetchedTls, Log } from '@atrium/sdk';
import { keep } from '../../tls/fetched.ts';
import type { TlsOptions } from '../../tls/options.ts';
import { CertificateError, readPair } from '../../tls/pair.ts';
import { FileStore, KeptError } from './file-store.ts';

const LOOK_MS = 2_000;
/** What fails here is the proxy's own disk: an order that cannot be kept is not to be made again at once. */
const AFTER_TROUBLE_MS = 5 * 60_000;

/** What whoever starts the proxy can set. */
const WORDS: Words = {
  program: 'proxy',
  ca: '--acme-ca',
  eab: '--acme-eab-kid and CONFIGPROXY_ACME_EAB_KEY',
  dns: '--acme-dns',
  dnsWait: '--acme-dns-wait',
  zone: '--acme-dns-zone',
};

/** The public side has a certificate that the proxy fetches. */
export interface FetchingOptions {
  settings: AcmeSettings;
  /** Folder for account, order and certificate; made with mode 0700. One proxy's alone. */
  dir: string;
  /** How the public side does TLS beyond that. */
  tls: Pick<TlsOptions, 'context' | 'requestCert' | 'rejectUnauthorized'>;
}

/** What is counted. */
export interface FetchedFacts {
  /** Of the present certificate, ms since the epoch; undefined until there is one. */
  notAfter: number | undefined;
  /** Attempts that failed since the last good one. */
  failures: number;
}

/** A certificate that is fetched, and renewed before it ends. */
export interface Fetching {
  /** For the public side. */
  readonly tls: TlsOptions;
  readonly facts: FetchedFacts;
  /**
   * Looks after the certificate until the signal, once the authority can reach the proxy.
   * @param take serves a certificate, and answers challenges, from the moment that it resolves
   */
  run(take: (fetched: FetchedTls) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** Fetches another one now, whatever failed before. */
  renew(): Promise<void>;
}

/**
 * Reads what is known from before.
 * @param redirectPort where challenges are answered without TLS
 * @throws KeptError
 */
export async function openFetching(
  { settings, dir, tls }: FetchingOptions,
  redirectPort: number | undefined,
  { clock, log }: { clock: Clock; log: Log },
): Promise<Fetching> {
  const file = join(dir, 'fetched.pem');
  let take: (fetched: FetchedTls) => Promise<void> = async () => {};
  /** Kept, and not served yet. */
  let waiting: CertificateText | undefined;
  const serve = async (certificate: CertificateText) => {
    waiting = certificate;
    try {
      await take({ certificate, challenges: [] });
      waiting = undefined;
    } catch (err) {
      log.error({ err }, 'the certificate cannot be served; trying again in five minutes');
    }
  };
  const store = await FileStore.open(join(dir, 'acme.json'), serve, (err) =>
    log.error({ err }, `nothing can be kept in ${dir}: no certificate is fetched while that is so`),
  );
  if (!store.certificate) await keepForeign(file);
  else await keep(file, store.certificate).catch((err) => log.error({ err }, 'the certificate cannot be served'));
  /** Until the next look. */
  let rest = new AbortController();
  const kind = challengeKind(settings, redirectPort);
  const acme: Acme = {
    ...{ settings, kind, words: WORDS, store, clock, log },
    async present(answers) {
      await take({ challenges: [...answers] });
      return { [Symbol.asyncDispose]: () => take({ challenges: [] }) };
    },
    fingerprint: (secret) => createHash('sha256').update(`acme-binding ${secret}`).digest('hex'),
    // The log and the figures have it.
    tell: async () => {},
  };
  return {
    tls: { ...tls, fetched: { file, fallback: { dir, names: settings.domains } } },
    get facts() {
      const { chain, notAfter, attempts } = store.state;
      const failures = Math.max(attempts, waiting ? 1 : 0);
      return { notAfter: chain === undefined ? undefined : notAfter, failures };
    },
    async run(taking, signal) {
      take = taking;
      waiting = store.certificate;
      sayHow(acme, redirectPort, store.state);
      signal.addEventListener('abort', () => rest.abort(), { once: true });
      while (!signal.aborted) {
        rest = new AbortController();
        let pause = LOOK_MS;
        try {
          if (waiting) await serve(waiting);
          if (waiting) pause = AFTER_TROUBLE_MS;
          if (isDue(acme, store.state)) await turn(acme, signal);
        } catch (err) {
          pause = AFTER_TROUBLE_MS;
          if (!signal.aborted) log.error({ err }, 'could not look after the certificate; trying again in five minutes');
        }
        if (!signal.aborted) await clock.sleep(pause, rest.signal).catch(() => undefined);
      }
    },
    async renew() {
      await store.askForRenewal(clock.now());
      rest.abort();
    },
  };
}

/** The certificate's own file is written whenever there is another one: whatever else has its name must not be lost. */
async function keepForeign(file: string): Promise<void> {
  if (!existsSync(file)) return;
  try {
    const { selfSigned } = await readPair({ cert: file, key: file });
    if (selfSigned) return;
    const hash = createHash('sha256')
      .update(await readFile(file))
      .digest('hex')
      .slice(0, 12);
    await copyFile(file, join(dirname(file), `fetched-${hash}.pem`));
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw new KeptError(`${error.message} It was not touched. Move it away, or name another folder (--acme-state).`);
  }
}

/** Which door has to be open, and what is known from before the start. */
function sayHow(acme: Acme, redirectPort: number | undefined, state: CertificateState): void {
  const { settings, kind, log } = acme;
  const { domains, directory } = settings;
  const how = {
    'dns-01': 'TXT records of each name',
    'http-01': `port 80 of each name, which must lead to port ${redirectPort} here`,
    'tls-alpn-01': 'port 443 of each name, which must lead to the public port here',
  }[kind];
  log.info({ domains, directory }, `certificates are fetched by ${kind}: the authority looks at ${how}`);
  const { attempts, problem, nextAt } = state;
  if (attempts === 0 || isDue(acme, state)) return;
  const again = new Date(nextAt).toISOString();
  log.warn(
    { attempts, again },
    `the last attempt to fetch a certificate failed: ${problem} The next one is at ${again}.`,
  );
}
