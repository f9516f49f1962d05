import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type AcmeStore,
  type CertificateState,
  type Failure,
  type Issued,
  type KeptOrder,
  PACE_MS,
} from '@atrium/acme';
import type { CertificateText } from '@atrium/sdk';
import { writeWhole } from '../../whole-file.ts';
import { EMPTY, type Kept, readKept } from './kept.ts';

const MAX_BYTES = 4 * 1024 * 1024;
const GROUP_OR_OTHERS = 0o077;
const GROUP_OR_OTHERS_WRITE = 0o022;

/** What a proxy keeps cannot be used. The message says for a person which file, why, and what to do. */
export class KeptError extends Error {
  override readonly name = 'KeptError';
}

/** Keeps everything of a proxy's certificate in one file of its own, with mode 0600: no other process writes it. */
export class FileStore implements AcmeStore {
  readonly #path: string;
  readonly #onCertificate: (certificate: CertificateText) => Promise<void>;
  #kept: Kept;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(path: string, kept: Kept, onCertificate: (certificate: CertificateText) => Promise<void>) {
    this.#path = path;
    this.#kept = kept;
    this.#onCertificate = onCertificate;
  }

  /**
   * Reads what is there, or begins with nothing. A file that cannot be used stays as it is.
   * @param onCertificate another one is kept from now on
   * @param onUnwritable nothing can be kept at present, but there is a certificate to go on with
   * @throws KeptError
   */
  static async open(
    path: string,
    onCertificate: (certificate: CertificateText) => Promise<void>,
    onUnwritable: (error: Error) => void,
  ): Promise<FileStore> {
    const dir = dirname(path);
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const { mode } = await stat(dir);
      if (mode & GROUP_OR_OTHERS_WRITE && process.platform !== 'win32')
        throw new KeptError(`Other accounts can change what is in ${dir}. Take that away: chmod 700 ${dir}`);
      const kept = (await readKeptFile(path)) ?? EMPTY;
      const store = new FileStore(path, kept, onCertificate);
      await removeDrafts(dir);
      // What cannot be written later would be lost, and asked of the authority again and again.
      await store.#change({}).catch((error: Error) => {
        // A proxy that does not start takes everybody's server away.
        if (!store.certificate) throw error;
        onUnwritable(error);
      });
      return store;
    } catch (error) {
      if (error instanceof KeptError) throw error;
      throw new KeptError(`Certificates cannot be kept in ${dir}: ${(error as Error).message}`);
    }
  }

  get state(): CertificateState {
    return this.#kept.state;
  }

  get certificate(): CertificateText | undefined {
    const { state, key } = this.#kept;
    return state.chain === undefined || key === undefined ? undefined : { chain: state.chain, key };
  }

  async findAccountKey(directory: string): Promise<string | undefined> {
    const { accounts } = this.#kept;
    return Object.hasOwn(accounts, directory) ? accounts[directory] : undefined;
  }

  async keepAccountKey({ directory, key }: { directory: string; key: string }): Promise<string> {
    const known = await this.findAccountKey(directory);
    if (known !== undefined) return known;
    await this.#change(({ accounts }) => ({ accounts: { ...accounts, [directory]: key } }));
    return key;
  }

  async readState(): Promise<CertificateState> {
    return this.#kept.state;
  }

  async readOrder(): Promise<KeptOrder | undefined> {
    return this.#kept.order;
  }

  putOrder(order: KeptOrder): Promise<void> {
    return this.#change({ order });
  }

  async dropOrder(url: string): Promise<void> {
    if (this.#kept.order?.url === url) await this.#change({ order: undefined });
  }

  async putCertificate({ key, ...issued }: Issued, now: number): Promise<void> {
    await this.#change(({ issuedAt }) => ({
      state: {
        ...issued,
        askAt: 0,
        tried: undefined,
        attempts: 0,
        nextAt: now - issuedAt < PACE_MS ? now + PACE_MS : 0,
        problem: undefined,
        problemKind: undefined,
      },
      key,
      order: undefined,
      issuedAt: now,
    }));
    await this.#onCertificate({ chain: issued.chain, key });
  }

  async putRenewal(
    before: Pick<CertificateState, 'renewAt'>,
    times: { renewAt: number; askAt: number },
  ): Promise<void> {
    if (this.#kept.state.renewAt === before.renewAt) await this.#changeState(times);
  }

  putFailure({ tried, attempts, nextAt, problem, kind }: Failure): Promise<void> {
    return this.#changeState({ tried, attempts, nextAt, problem, problemKind: kind });
  }

  /** As if nothing had failed, and the certificate were due: for somebody who knows that it works now. */
  askForRenewal(now: number): Promise<void> {
    return this.#changeState({
      ...{ attempts: 0, nextAt: 0, renewAt: now, askAt: Number.MAX_SAFE_INTEGER },
      ...{ tried: undefined, problem: undefined, problemKind: undefined },
    });
  }

  #changeState(change: Partial<CertificateState>): Promise<void> {
    return this.#change(({ state }) => ({ state: { ...state, ...change } }));
  }

  /** One after the other. What could not be written did not happen. */
  #change(change: Partial<Kept> | ((kept: Kept) => Partial<Kept>)): Promise<void> {
    const write = async () => {
      const next = { ...this.#kept, ...(typeof change === 'function' ? change(this.#kept) : change) };
      await writeWhole(this.#path, `${JSON.stringify(next, null, 1)}\n`);
      this.#kept = next;
    };
    const written = this.#writing.then(write);
    this.#writing = written.catch(() => undefined);
    return written;
  }
}

const DRAFT = /^(acme\.json|fetched\.pem)\.\d+\.tmp$/;

/** A proxy that was killed while it wrote left keys in them. */
async function removeDrafts(dir: string): Promise<void> {
  for (const name of await readdir(dir))
    if (DRAFT.test(name)) await rm(join(dir, name), { force: true }).catch(() => {});
}

async function readKeptFile(path: string): Promise<Kept | undefined> {
  try {
    const file = await stat(path);
    if (!file.isFile()) throw new Error('it is not a file');
    if (file.size > MAX_BYTES) throw new Error('it is a file of something else (too large)');
    if (file.mode & GROUP_OR_OTHERS && process.platform !== 'win32')
      throw new Error(`other accounts may read or change the keys in it (chmod 600 ${path})`);
    return readKept(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new KeptError(
      `${path} cannot be used: ${(error as Error).message}. It was not touched. Put right what is wrong, or move it away: ` +
        'then a new account is made and a new certificate fetched.',
    );
  }
}
