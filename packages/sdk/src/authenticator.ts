import type { z } from 'zod';
import type { Json, PluginContext } from './spawner.ts';
import { SDK_VERSION } from './spawner.ts';

/** Who somebody proved to be. What they may do is decided by the hub's allow rules, never here (architecture §4). */
export interface Identity {
  /** Normalised by the hub (lower case) before any lookup. */
  name: string;
  /** Grants when true; false says nothing. */
  admin?: boolean;
  /** The proof is known to many people (a password for a room): it signs in nobody who is an administrator. */
  shared?: boolean;
  groups?: readonly string[];
  /** Shown by Jupyter Server: name, display_name, initials, avatar_url, color (contract §1.5). */
  userInfo?: { [key: string]: Json };
  authState?: Json;
}

export interface SignInRequest {
  /** The client's address as the proxy saw it. */
  ip: string;
}

export type SignUpMode = 'off' | 'open' | 'approval';

/** For an authenticator that keeps accounts of its own; the hub then offers sign-up, change password and reset links. */
export interface Accounts {
  readonly signUp: SignUpMode;
  has(name: string): Promise<boolean>;
  /** What is wrong with this password, in plain words; null when it will do. */
  problem(name: string, password: string): string | null;
  /** Creates or replaces. The hub has called `problem` first. */
  set(name: string, password: string): Promise<void>;
  verify(name: string, password: string): Promise<boolean>;
  remove(name: string): Promise<void>;
  /** Keeps the password under a new name. Without it, a renamed person needs a reset link. */
  rename?(from: string, to: string): Promise<void>;
}

export interface Authenticator<Fields = unknown> {
  /** `null` means refused and is an everyday outcome. Throw only when we could not find out. */
  authenticate(fields: Fields, request: SignInRequest): Promise<Identity | null>;
  /**
   * Asked now and then about somebody who is signed in (`sessions.refreshAge`): who they are by now, with `name` alone when
   * nothing is new. `null`: they must sign in again. Throw when it could not be found out; then nothing changes.
   */
  refresh?(person: SignedInPerson): Promise<Identity | null>;
  readonly accounts?: Accounts;
}

/** Who is asked about. */
export interface SignedInPerson {
  name: string;
  /** What was kept of the last sign-in; null for nothing. */
  authState: Json;
}

export interface AuthenticatorDefinition<Config extends z.ZodType, Form extends z.ZodType> {
  id: string;
  config: Config;
  /** The sign-in form's fields. `username` and `password` are what JupyterHub's clients post. */
  form: Form;
  create(
    config: z.output<Config>,
    context: PluginContext,
  ): Authenticator<z.output<Form>> | Promise<Authenticator<z.output<Form>>>;
}

export interface ConfiguredAuthenticator {
  readonly kind: 'authenticator';
  readonly sdk: number;
  readonly id: string;
  readonly config: z.ZodType;
  readonly form: z.ZodType;
  readonly options: unknown;
  create(config: unknown, context: PluginContext): Promise<Authenticator>;
}

/** Makes an authenticator plug-in: call the result with options in `atrium.config.ts`. */
export function defineAuthenticator<Config extends z.ZodType, Form extends z.ZodType>(
  definition: AuthenticatorDefinition<Config, Form>,
): (options?: z.input<Config>) => ConfiguredAuthenticator {
  return (options) => ({
    kind: 'authenticator',
    sdk: SDK_VERSION,
    id: definition.id,
    config: definition.config,
    form: definition.form,
    options: options ?? {},
    create: async (config, context) => (await definition.create(config as z.output<Config>, context)) as Authenticator,
  });
}
