import type { KeyObject } from 'node:crypto';
import type { Clock } from '@atrium/sdk';
import type { Words } from '../settings.ts';
import { base64url, externalBinding, signed, thumbprint } from './jose.ts';
import { AcmeProblem, readProblem, retryAfterMs } from './problem.ts';
import { ask, type Wire, type WireAnswer, where } from './wire.ts';

/** A nonce may have grown old between two requests; the error brings a new one (RFC 8555 §6.5). */
const NONCE_TRIES = 5;
const POLL_MS = { first: 1_000, longest: 15_000 };
/** How long an authority may think over a challenge or an order. */
const PATIENCE_MS = 5 * 60_000;

export interface Directory {
  newNonce: string;
  newAccount: string;
  newOrder: string;
  renewalInfo: string | undefined;
  /** The authority takes only accounts that it knows from elsewhere. */
  needsBinding: boolean;
}

export interface Order {
  url: string;
  status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
  identifiers: { type: string; value: string }[];
  authorizations: string[];
  finalize: string;
  certificate?: string;
  error?: unknown;
}

export interface Challenge {
  type: string;
  url: string;
  token: string;
  status: string;
  error?: unknown;
}

export interface Authorization {
  identifier: { type: string; value: string };
  status: 'pending' | 'valid' | 'invalid' | 'deactivated' | 'expired' | 'revoked';
  wildcard?: boolean;
  challenges: Challenge[];
}

export interface ClientOptions {
  directory: string;
  ca: string | undefined;
  key: KeyObject;
  words: Words;
  clock: Clock;
  signal: AbortSignal;
}

/** Whom the authority writes to, and how it knows the account from elsewhere. */
export interface NewAccount {
  email: string;
  /** `hmacKey`: base64url. */
  binding?: { kid: string; hmacKey: string } | undefined;
}

/** Speaks ACME (RFC 8555) for one account. Every method throws AcmeProblem. */
export class AcmeClient {
  readonly directory: Directory;
  readonly #options: ClientOptions;
  readonly #wire: Wire;
  #nonce: string | undefined;
  #account: string | undefined;

  private constructor(directory: Directory, options: ClientOptions) {
    this.directory = directory;
    this.#options = options;
    this.#wire = options;
  }

  static async open(options: ClientOptions): Promise<AcmeClient> {
    const answer = await ask(options, 'GET', options.directory);
    const said = parsed(answer) as Record<string, unknown> | undefined;
    const { newNonce, newAccount, newOrder, renewalInfo, meta } = said ?? {};
    if (![newNonce, newAccount, newOrder].every((each) => typeof each === 'string')) {
      throw new AcmeProblem(
        `${options.directory} is no ACME directory: it answered ${answer.status}.`,
        refusalOf(answer, options),
      );
    }
    const directory = {
      newNonce: newNonce as string,
      newAccount: newAccount as string,
      newOrder: newOrder as string,
      renewalInfo: typeof renewalInfo === 'string' ? renewalInfo : undefined,
      needsBinding: (meta as { externalAccountRequired?: unknown } | undefined)?.externalAccountRequired === true,
    };
    return new AcmeClient(directory, options);
  }

  /** Makes the account, or finds the one of this key; the terms of service are agreed to. */
  async signUp({ email, binding }: NewAccount): Promise<void> {
    const { key, words } = this.#options;
    const { newAccount, needsBinding } = this.directory;
    if (needsBinding && !binding) {
      throw new AcmeProblem(
        `${where(newAccount)} takes only accounts that it knows: set ${words.eab} to the key id and the HMAC key that it gave you.`,
      );
    }
    const contact = [`mailto:${email}`];
    const { headers, body } = await this.#post(newAccount, {
      termsOfServiceAgreed: true,
      contact,
      ...(binding && { externalAccountBinding: externalBinding(key, newAccount, binding.kid, binding.hmacKey) }),
    });
    this.#account = headers.location;
    if (this.#account === undefined) throw new AcmeProblem(`${where(newAccount)} made an account without an address.`);
    const known = (JSON.parse(body || '{}') as { contact?: unknown }).contact;
    // The account is older, and somebody else minds it now.
    if (Array.isArray(known) && !known.includes(contact[0])) await this.#post(this.#account, { contact });
  }

  /** @param replaces the certificate that this order is to renew, as `certificateId` names it */
  async newOrder(names: readonly string[], replaces: string | undefined): Promise<Order> {
    const identifiers = names.map((value) => ({ type: 'dns', value }));
    const { newOrder } = this.directory;
    try {
      return this.#order(await this.#post(newOrder, { identifiers, ...(replaces !== undefined && { replaces }) }));
    } catch (error) {
      // It was replaced already, or the authority does not know it: no reason to go without a certificate.
      const refused = error instanceof AcmeProblem && error.status >= 400 && error.status < 500 && error.status !== 429;
      if (replaces === undefined || !refused) throw error;
      return this.newOrder(names, undefined);
    }
  }

  async order(url: string): Promise<Order> {
    return this.#order(await this.#post(url, undefined), url);
  }

  async authorization(url: string): Promise<Authorization> {
    return parsed(await this.#post(url, undefined)) as Authorization;
  }

  /** What proves that whoever answers a challenge has the account's key (RFC 8555 §8.1). */
  answerTo({ token }: Challenge): string {
    return `${token}.${thumbprint(this.#options.key)}`;
  }

  /** Says that the answer is in its place. */
  async ready(challenge: Challenge): Promise<void> {
    await this.#post(challenge.url, {});
  }

  /** Until the authority has made up its mind. */
  async decided(url: string): Promise<Authorization> {
    return (await this.#poll(url, ({ status }: Authorization) => status !== 'pending')) as Authorization;
  }

  /** The order, when what was decided of its names has reached it. */
  async proved(url: string): Promise<Order> {
    return { ...((await this.#poll(url, ({ status }: Order) => status !== 'pending')) as Order), url };
  }

  /** @param request DER */
  async finalize(order: Order, request: Buffer): Promise<void> {
    await this.#post(order.finalize, { csr: base64url(request) });
  }

  /** Until the certificate is there, or will not be. */
  async issued(url: string): Promise<Order> {
    const done = ({ status }: Order) => status === 'valid' || status === 'invalid';
    return { ...((await this.#poll(url, done)) as Order), url };
  }

  /** PEM: the certificate and those that signed it. */
  async download(url: string): Promise<string> {
    return (await this.#post(url, undefined)).body;
  }

  /** When the authority wants the certificate renewed (RFC 9773), and when it wants to be asked again. */
  async renewalInfo(id: string): Promise<{ window: unknown; againMs: number | undefined }> {
    const answer = await ask(this.#wire, 'GET', `${this.directory.renewalInfo}/${id}`);
    const said = answer.status === 200 ? parsed(answer) : undefined;
    if (said === undefined) throw this.#problem(this.directory.renewalInfo ?? '', answer);
    const { suggestedWindow } = said as { suggestedWindow?: unknown };
    return { window: suggestedWindow, againMs: retryAfterMs(answer.headers['retry-after'], this.#options.clock.now()) };
  }

  async #poll<Thing>(url: string, done: (thing: Thing) => boolean): Promise<Thing> {
    const { clock, signal } = this.#options;
    const until = clock.now() + PATIENCE_MS;
    for (let pause = POLL_MS.first; ; pause = Math.min(pause * 2, POLL_MS.longest)) {
      const answer = await this.#post(url, undefined);
      const thing = parsed(answer) as Thing;
      if (done(thing)) return thing;
      if (clock.now() >= until) throw new AcmeProblem(`${where(url)} has not made up its mind for five minutes.`);
      const asked = retryAfterMs(answer.headers['retry-after'], clock.now()) ?? pause;
      await clock.sleep(Math.min(Math.max(asked, POLL_MS.first), POLL_MS.longest), signal);
      signal.throwIfAborted();
    }
  }

  #order(answer: WireAnswer, url = answer.headers.location): Order {
    const order = parsed(answer) as Order | undefined;
    if (url === undefined || !Array.isArray(order?.authorizations))
      throw new AcmeProblem('The ACME server sent an order that is none.');
    return { ...order, url };
  }

  async #post(url: string, payload: object | undefined): Promise<WireAnswer> {
    for (let tries = 1; ; tries++) {
      const nonce = this.#nonce ?? (await this.#newNonce());
      this.#nonce = undefined;
      const kid = this.#account;
      const body = signed(this.#options.key, { nonce, url, ...(kid !== undefined && { kid }) }, payload);
      const answer = await ask(this.#wire, 'POST', url, body);
      this.#nonce = one(answer.headers['replay-nonce']);
      if (answer.status >= 200 && answer.status < 300) return answer;
      const problem = this.#problem(url, answer);
      if (problem.kind !== 'badNonce' || tries >= NONCE_TRIES) throw problem;
    }
  }

  async #newNonce(): Promise<string> {
    const { newNonce } = this.directory;
    const answer = await ask(this.#wire, 'HEAD', newNonce);
    const nonce = one(answer.headers['replay-nonce']);
    if (nonce === undefined) throw this.#problem(newNonce, answer);
    return nonce;
  }

  #problem(url: string, answer: WireAnswer): AcmeProblem {
    const said = readProblem(parsed(answer))?.text ?? `status ${answer.status}`;
    return new AcmeProblem(`${where(url)} refused: ${said}`, refusalOf(answer, this.#options));
  }
}

function refusalOf(answer: WireAnswer, { clock }: ClientOptions) {
  const kind = readProblem(parsed(answer))?.kind ?? '';
  const retryAfter = retryAfterMs(answer.headers['retry-after'], clock.now());
  return { kind, status: answer.status, ...(retryAfter !== undefined && { retryAfterMs: retryAfter }) };
}

function parsed({ body }: WireAnswer): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

const one = (header: string | string[] | undefined): string | undefined => (Array.isArray(header) ? header[0] : header);
