import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Signs identity documents as the metadata service does (PKCS#7 with the document inside), and checks them. */
export interface Authority extends AsyncDisposable {
  sign(document: string): Promise<string>;
  /** The document inside, when the signature is by this authority; rejects otherwise. */
  verify(pkcs7: string): Promise<string>;
}

export async function testAuthority(): Promise<Authority> {
  const dir = await mkdtemp(join(tmpdir(), 'atrium-authority-'));
  const at = (name: string) => join(dir, name);
  const subject = ['-subj', '/CN=test authority', '-days', '2'];
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    at('key'),
    '-out',
    at('cert'),
    ...subject,
  ]);
  let files = 0;
  return {
    async sign(document) {
      const file = at(`document-${files++}`);
      await writeFile(file, document);
      const key = ['-signer', at('cert'), '-inkey', at('key'), '-nocerts', '-md', 'sha256'];
      await run('openssl', [
        'cms',
        '-sign',
        '-binary',
        '-nodetach',
        ...key,
        '-in',
        file,
        '-outform',
        'DER',
        '-out',
        `${file}.p7`,
      ]);
      return (await readFile(`${file}.p7`)).toString('base64').replace(/.{76}/g, '$&\n');
    },
    async verify(pkcs7) {
      const file = at(`given-${files++}`);
      await writeFile(file, Buffer.from(pkcs7, 'base64'));
      const cert = ['-certfile', at('cert'), '-CAfile', at('cert'), '-purpose', 'any', '-nointern'];
      const { stdout } = await run('openssl', ['cms', '-verify', '-binary', '-inform', 'DER', '-in', file, ...cert]);
      return stdout;
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}
