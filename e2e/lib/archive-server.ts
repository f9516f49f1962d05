import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { basename, join } from 'node:path';

export interface ArchiveServer extends AsyncDisposable {
  /** Where the archive is. */
  url: string;
  /** PEM file with the certificate; curl believes it when CURL_CA_BUNDLE names it. */
  certificate: string;
}

/** Serves one file over HTTPS on the loopback address, with a certificate that is made in `dir`. */
export async function serveArchive(file: string, dir: string): Promise<ArchiveServer> {
  const at = { key: join(dir, 'key.pem'), cert: join(dir, 'cert.pem') };
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', at.key, '-out', at.cert],
  ]);
  const path = `/${basename(file)}`;
  const server = createServer({ key: readFileSync(at.key), cert: readFileSync(at.cert) }, (request, response) => {
    if (request.url !== path) return response.writeHead(404).end();
    response.end(readFileSync(file));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `https://127.0.0.1:${port}${path}`,
    certificate: at.cert,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
