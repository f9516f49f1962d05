import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createSecureContext, rootCertificates, type SecureContext, type SecureContextOptions } from 'node:tls';

/** Where a certificate with its chain, and its key, lie: PEM, as every certificate authority's client writes them. */
export interface CertificateFiles {
  /** The server's own certificate first, then those that signed it, without the root. */
  cert: string;
  key: string;
  /** Opens an encrypted key. */
  passphrase?: string;
}

/** A certificate that can be served, and what is known of it. */
export interface Pair {
  readonly certificate: X509Certificate;
  readonly context: SecureContext;
  /** What `context` was made from. Holds the key: never to be logged. */
  readonly credentials: { cert: string; key: string };
  /** Host names (`*.` for every name one level below) and addresses it is for. */
  readonly names: readonly string[];
  /** Nobody but itself vouches for it. */
  readonly selfSigned: boolean;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** What browsers may dislike, in sentences; it is served all the same. */
  readonly warnings: readonly string[];
  /** Which versions of the files these are. */
  readonly stamp: string;
}

/** A certificate or key that cannot be used. The message says for a person which file, why, and what to do. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

const MAX_BYTES = 1024 * 1024;
const OTHERS_READ = 0o004;
const GROUP_OR_OTHERS_WRITE = 0o022;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_USE = '2.5.29.37.0';

/**
 * Reads a certificate, its chain and its key, and checks that a browser can be served with them.
 * @param more of the secure context: versions, suites, who signs the clients' certificates
 * @throws CertificateError; a certificate that is over, or not valid yet, is no error here (`expiryProblem`)
 */
export async function readPair(files: CertificateFiles, more: SecureContextOptions = {}): Promise<Pair> {
  const [cert, key] = await Promise.all([
    readPem(files.cert, 'certificate', false),
    readPem(files.key, 'key of the certificate', true),
  ]);
  const chain = parseChain(files.cert, cert.text);
  const privateKey = parseKey(files, key.text);
  checkKey(files, chain, privateKey);
  const [certificate] = chain as [X509Certificate];
  checkOrder(files.cert, chain);
  checkUse(files.cert, certificate);
  const credentials = {
    cert: chain.map(String).join(''),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
  let context: SecureContext;
  try {
    context = createSecureContext({ ...more, ...credentials });
  } catch (error) {
    const { message } = error as Error;
    throw new CertificateError(`${files.cert} and ${files.key} cannot be served: ${message}.`);
  }
  const names = namesOf(certificate);
  return {
    certificate,
    context,
    credentials,
    names,
    selfSigned: isSelfSigned(certificate),
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
    warnings: warningsOf(files.cert, chain, names),
    stamp: `${cert.stamp} ${key.stamp}`,
  };
}

/** Which versions of the files are there now; undefined while one is missing. Follows links, as renewals move them. */
export async function stampOf(files: CertificateFiles): Promise<string | undefined> {
  try {
    const stamps = await Promise.all(
      [files.cert, files.key].map((path) => withFile(path, async (file) => stampOfFile(await file.stat()))),
    );
    return stamps.join(' ');
  } catch {
    return undefined;
  }
}

/** Why nobody should be served with it now; undefined when its time is right. */
export function expiryProblem(path: string, pair: Pair, now: number): string | undefined {
  const { notBefore, notAfter } = pair;
  if (now >= notAfter) {
    return `${path}: the certificate expired on ${dayOf(notAfter)}. Renew it, or set this machine's clock.`;
  }
  if (now < notBefore) {
    return `${path}: the certificate is valid from ${dayOf(notBefore)} only. Look at this machine's clock.`;
  }
  return undefined;
}

export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Host names and addresses of a certificate, as `DNS:` and `IP Address:` entries name them. */
export function namesOf(certificate: X509Certificate): string[] {
  const text = certificate.subjectAltName ?? '';
  // An odd name is quoted as JSON (Node, CVE-2021-44532); none of those is a host name.
  return [...text.matchAll(/(?:^|, )(?:DNS|IP Address):([^,"]+)/g)].map(([, name = '']) => name.toLowerCase());
}

export function isSelfSigned(certificate: X509Certificate): boolean {
  // Not `checkIssued`: that wants a key that may sign certificates, which a server's need not be.
  return certificate.issuer === certificate.subject && certificate.verify(certificate.publicKey);
}

/** Whom the certificate is for, in one word: its common name, or its first name. */
export function subjectOf(certificate: X509Certificate): string {
  return /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? namesOf(certificate)[0] ?? 'nobody';
}

interface PemFile {
  text: string;
  stamp: string;
}

async function withFile<T>(path: string, act: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'r');
  try {
    return await act(file);
  } finally {
    await file.close();
  }
}

function stampOfFile({ dev, ino, size, mtimeMs, mode }: Stats): string {
  return `${dev}.${ino}.${size}.${mtimeMs}.${mode}`;
}

async function readPem(path: string, what: string, isKey: boolean): Promise<PemFile> {
  try {
    return await withFile(path, async (file) => {
      const stats = await file.stat();
      if (!stats.isFile()) throw new CertificateError(`${path}, the ${what}, is not a file.`);
      if (stats.size > MAX_BYTES) throw new CertificateError(`${path} is too large to be a ${what}.`);
      const text = await file.readFile('utf8');
      // A key may lie beside its certificate in one file.
      if (isKey || text.includes('PRIVATE KEY')) checkMode(path, stats.mode);
      // Of before the reading: what is written meanwhile is seen as another version at the next look.
      return { text, stamp: stampOfFile(stats) };
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof CertificateError) throw error;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new CertificateError(`${path}, the ${what}, is not there.`);
    if (code !== 'EACCES' && code !== 'EPERM') throw new CertificateError(`${path} cannot be read: ${message}.`);
    throw new CertificateError(
      `${path}, the ${what}, cannot be read by this account (${process.getuid?.()}), which the proxy runs as. ` +
        `Let its group read it, and nobody else: chgrp ${process.getgid?.()} ${path} && chmod 640 ${path} (and each folder above it: chmod g+x).`,
    );
  }
}

function checkMode(path: string, mode: number): void {
  if (process.platform === 'win32') return;
  const problem =
    mode & OTHERS_READ
      ? 'Every account of this machine can read'
      : mode & GROUP_OR_OTHERS_WRITE
        ? 'Other accounts can change'
        : '';
  if (problem) throw new CertificateError(`${problem} the key in ${path}. Take that away: chmod u=rw,g=r,o= ${path}`);
}

function parseChain(path: string, text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) {
    const found = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1];
    const what = found ? `a ${found.toLowerCase()}` : 'something else (not PEM)';
    throw new CertificateError(
      `${path} holds ${what} instead of a certificate. It must have a block BEGIN CERTIFICATE; from DER: openssl x509 -inform der -in <file>`,
    );
  }
  return blocks.map((block, at) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new CertificateError(`${path}: certificate ${at + 1} of ${blocks.length} is broken.`);
    }
  });
}

function parseKey({ key: path, passphrase }: CertificateFiles, text: string): KeyObject {
  const isEncrypted = /ENCRYPTED/.test(text);
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw new CertificateError(`${path} holds no private key: it must have a block BEGIN PRIVATE KEY.`);
  }
  if (isEncrypted && passphrase === undefined) {
    throw new CertificateError(
      `The key in ${path} is encrypted. Write it without a passphrase: openssl pkey -in ${path} -out <file>`,
    );
  }
  try {
    return createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    // OpenSSL's own words may quote what it read.
    throw new CertificateError(
      isEncrypted ? `The passphrase does not open the key in ${path}.` : `The private key in ${path} is broken.`,
    );
  }
}

function checkKey({ cert, key }: CertificateFiles, chain: readonly X509Certificate[], privateKey: KeyObject): void {
  const at = chain.findIndex((certificate) => certificate.checkPrivateKey(privateKey));
  if (at === 0) return;
  if (at > 0) {
    throw new CertificateError(
      `${cert}: the certificates are in the wrong order. The server's own (${subjectOf(chain[at]!)}), now number ${at + 1}, must come first, then the one that signed it, and so on.`,
    );
  }
  throw new CertificateError(
    `${key} is the key of another certificate: it does not belong to ${subjectOf(chain[0]!)} in ${cert}.`,
  );
}

const signs = (issuer: X509Certificate, certificate: X509Certificate) =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

function checkOrder(path: string, chain: readonly X509Certificate[]): void {
  const gap = chain.findIndex((certificate, at) => at > 0 && !signs(certificate, chain[at - 1]!));
  if (gap < 0) return;
  const before = chain[gap - 1]!;
  const right = chain.findIndex((certificate) => certificate !== before && signs(certificate, before));
  throw new CertificateError(
    right > 0
      ? `${path}: the certificates are in the wrong order. After number ${gap} (${subjectOf(before)}) must come the one that signed it, number ${right + 1} (${subjectOf(chain[right]!)}).`
      : `${path}: certificate ${gap + 1} (${subjectOf(chain[gap]!)}) did not sign the one before it (${subjectOf(before)}). Take it out, or put the right one there.`,
  );
}

function checkUse(path: string, certificate: X509Certificate): void {
  const uses = certificate.keyUsage as string[] | undefined;
  if (uses && !uses.includes(SERVER_AUTH) && !uses.includes(ANY_USE)) {
    throw new CertificateError(`${path}: the certificate of ${subjectOf(certificate)} is not for servers.`);
  }
}

function warningsOf(path: string, chain: readonly X509Certificate[], names: readonly string[]): string[] {
  const last = chain.at(-1)!;
  const warnings: string[] = [];
  if (names.length === 0) {
    warnings.push(`${path}: the certificate names no host (subjectAltName), and browsers refuse such a one.`);
  }
  if (!isSelfSigned(last) && !isSignedByRoot(last)) {
    warnings.push(
      `${path}: no public authority signed ${subjectOf(last)}, the last of the chain; ${last.issuer.replaceAll('\n', ', ')} did. ` +
        'If that is an intermediate certificate, it is missing here (use the full chain); if it is the root of your own authority, all is well.',
    );
  }
  return warnings;
}

let roots: Map<string, X509Certificate[]> | undefined;

function isSignedByRoot(certificate: X509Certificate): boolean {
  if (!roots) {
    roots = new Map();
    for (const pem of rootCertificates) {
      const root = new X509Certificate(pem);
      roots.set(root.subject, [...(roots.get(root.subject) ?? []), root]);
    }
  }
  return (roots.get(certificate.issuer) ?? []).some((root) => signs(root, certificate));
}
