import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CertificateError, type CertificateFiles } from './pair.ts';

/** Browsers of Apple take none that is valid for longer than 398 days. */
const DAYS = 397;
const DAY_MS = 86_400_000;
const RENEW_BEFORE_MS = 30 * DAY_MS;
/** What a common name may have (X.520). */
const MAX_COMMON_NAME = 64;

const run = promisify(execFile);

export interface SelfSignedOptions {
  /** Folder for certificate and key; made with mode 0700. */
  dir: string;
  /** Host names and addresses that it must be for. Another one is made when the present one lacks any of them. */
  names: readonly string[];
  /** Further ones, which are not worth another certificate when they change. */
  moreNames?: readonly string[];
}

/**
 * A certificate that nobody but this machine vouches for: the one that is there, or a new one when there is none, when it
 * ends within 30 days, or is not for one of `names`.
 * @throws CertificateError
 */
export async function ensureSelfSigned(options: SelfSignedOptions, now: number): Promise<CertificateFiles> {
  const { dir, names } = options;
  const files = { cert: join(dir, 'self-signed.pem'), key: join(dir, 'self-signed-key.pem') };
  if (await isGood(files, names, now)) return files;
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await make(files, dir, [...new Set([...names, ...(options.moreNames ?? [])])]);
  } catch (error) {
    throw new CertificateError(explain(error as NodeJS.ErrnoException & { stderr?: string }));
  }
  return files;
}

async function isGood({ cert, key }: CertificateFiles, names: readonly string[], now: number): Promise<boolean> {
  try {
    const certificate = new X509Certificate(await readFile(cert));
    // Written one after the other: what a crash, or two proxies at once, left of different pairs is made anew.
    if (!certificate.checkPrivateKey(createPrivateKey(await readFile(key)))) return false;
    if (Date.parse(certificate.validTo) - now < RENEW_BEFORE_MS) return false;
    return names.every((name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined);
  } catch {
    return false;
  }
}

/** Node makes keys but no certificates, so OpenSSL's command does; its defaults differ by system, so all is said. */
async function make(files: CertificateFiles, dir: string, names: readonly string[]): Promise<void> {
  const draft = await mkdtemp(join(dir, 'draft-'));
  try {
    const config = join(draft, 'openssl.cnf');
    const cert = join(draft, 'cert.pem');
    const key = join(draft, 'key.pem');
    const entries = names.map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`);
    const commonName = names.find((name) => isIP(name) === 0 && name.length <= MAX_COMMON_NAME) ?? 'Atrium';
    await writeFile(
      config,
      [
        '[req]',
        'distinguished_name = subject',
        'x509_extensions = extensions',
        'prompt = no',
        'string_mask = utf8only',
        '[subject]',
        `CN = ${commonName}`,
        'O = Atrium (self-signed)',
        '[extensions]',
        'basicConstraints = critical, CA:FALSE',
        'keyUsage = critical, digitalSignature',
        'extendedKeyUsage = serverAuth',
        'subjectKeyIdentifier = hash',
        `subjectAltName = ${entries.join(', ')}`,
        '',
      ].join('\n'),
      { mode: 0o600 },
    );
    await run('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256'],
      ...['-days', String(DAYS), '-config', config, '-keyout', key, '-out', cert],
    ]);
    await chmod(key, 0o600);
    await chmod(cert, 0o644);
    await rename(key, files.key);
    await rename(cert, files.cert);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

function explain({ code, message, stderr }: NodeJS.ErrnoException & { stderr?: string }): string {
  if (code === 'ENOENT') {
    return 'A self-signed certificate is made by the command openssl, which is not installed here. Install it (apt install openssl), or give a certificate of your own.';
  }
  return `A self-signed certificate could not be made: ${stderr?.trim().split('\n').at(-1) || message}.`;
}
