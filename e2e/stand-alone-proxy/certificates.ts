import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A key and a certificate, as files and as what they hold. */
export interface Certificate {
  keyFile: string;
  certFile: string;
  key: Buffer;
  cert: Buffer;
}

/** An authority of the test's own, in a folder. */
export interface Authority extends Certificate {
  /** Signs one for 127.0.0.1, as server and as client. */
  sign(name: string): Certificate;
}

const openssl = (...args: string[]) => void execFileSync('openssl', args, { stdio: 'ignore' });
const P256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export function authority(folder: string, name: string): Authority {
  const files = (one: string) => ({ keyFile: join(folder, `${one}.key`), certFile: join(folder, `${one}.pem`) });
  const read = ({ keyFile, certFile }: { keyFile: string; certFile: string }): Certificate => {
    return { keyFile, certFile, key: readFileSync(keyFile), cert: readFileSync(certFile) };
  };
  const own = files(name);
  openssl('req', '-x509', ...P256, '-keyout', own.keyFile, '-out', own.certFile, '-days', '2', '-subj', `/CN=${name}`);
  return {
    ...read(own),
    sign(of) {
      const its = files(`${name}-${of}`);
      const request = join(folder, 'request.csr');
      const extensions = join(folder, 'extensions.cnf');
      writeFileSync(extensions, 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
      openssl('req', ...P256, '-keyout', its.keyFile, '-out', request, '-subj', `/CN=${of}`);
      const signer = ['-CA', own.certFile, '-CAkey', own.keyFile, '-CAcreateserial'];
      openssl('x509', '-req', '-in', request, ...signer, '-out', its.certFile, '-days', '2', '-extfile', extensions);
      return read(its);
    },
  };
}
