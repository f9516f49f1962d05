import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import type { CertificateFiles } from './pair.ts';

const openssl = (dir: string, ...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Certificates of an authority that exists for one test, made by OpenSSL as everybody's are. */
export function testAuthority(dir: string) {
  const ca = (name: string, signer?: string) => {
    const files = ['-keyout', `${name}.key`, '-out'];
    writeFileSync(join(dir, `${name}.ext`), 'basicConstraints=critical,CA:TRUE\n');
    if (!signer) {
      return openssl(dir, 'req', '-x509', ...NEW_KEY, '-days', '90', '-subj', `/CN=${name}`, ...files, `${name}.pem`);
    }
    openssl(dir, 'req', ...NEW_KEY, '-subj', `/CN=${name}`, ...files, `${name}.csr`);
    return sign(name, signer, ['-days', '90']);
  };
  const sign = (name: string, signer: string, time: string[]) =>
    openssl(
      dir,
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${signer}.pem`, '-CAkey', `${signer}.key`],
      ...[
        '-set_serial',
        `0x${Buffer.from(name + Math.random())
          .toString('hex')
          .slice(0, 30)}`,
      ],
      ...['-extfile', `${name}.ext`, '-out', `${name}.pem`, ...time],
    );
  ca('root');
  ca('middle', 'root');
  const path = (name: string) => join(dir, name);
  return {
    path,
    /** Of the root, for a client's `ca`. */
    root: path('root.pem'),
    /**
     * Makes a certificate for `names` with its chain, in `<file>-chain.pem`, and its key.
     * @param more of the certificate's extensions
     */
    issue(
      file: string,
      names: readonly string[],
      more: { days?: number; extensions?: string; newKey?: readonly string[] } = {},
    ): CertificateFiles {
      const { days = 60, extensions = '', newKey = NEW_KEY } = more;
      openssl(dir, 'req', ...newKey, '-subj', `/CN=${names[0]}`, '-keyout', `${file}.key`, '-out', `${file}.csr`);
      writeFileSync(
        path(`${file}.ext`),
        `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}\n${extensions}`,
      );
      sign(file, 'middle', ['-days', String(days)]);
      const chain = [path(`${file}.pem`), path('middle.pem')].map((one) => readFileSync(one, 'utf8')).join('');
      writeFileSync(path(`${file}-chain.pem`), chain);
      chmodSync(path(`${file}.key`), 0o600);
      return { cert: path(`${file}-chain.pem`), key: path(`${file}.key`) };
    },
  };
}

/** One request by TLS. Resolves with the certificate's common name and the whole answer. */
export function secureExchange(
  options: ConnectionOptions,
  text: string,
): Promise<{ commonName: string; protocol: string | null; answer: string }> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ host: '127.0.0.1', ...options }, () => void socket.write(text));
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    let seen = { commonName: '', protocol: null as string | null };
    socket.on('secureConnect', () => {
      seen = { commonName: String(socket.getPeerCertificate().subject.CN), protocol: socket.getProtocol() };
    });
    socket.on('end', () => socket.end()).on('close', () => resolve({ ...seen, answer }));
    socket.on('error', reject);
  });
}
