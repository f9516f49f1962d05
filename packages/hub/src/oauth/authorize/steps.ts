import {
  containsScopes,
  expandScopes,
  HubError,
  IDENTIFY_SCOPES,
  intersectScopes,
  parseScope,
  type ScopeSet,
  type ScopeTarget,
} from '@atrium/sdk';
import type { AppContext } from '../../context.ts';
import { requireScope, type Viewer } from '../../http/requester.ts';
import { listTokens, scopesOfToken, type TokenClient } from '../../tokens/tokens.service.ts';
import { type ClientBehind, findClient, type OAuthClient } from '../oauth-clients.service.ts';

/** A refusal that the client learns of, by way of the browser (contract §2.3). Anything else is a page. */
export class AuthorizeRefusal extends Error {
  readonly error: string;

  constructor(error: string, description: string) {
    super(description);
    this.error = error;
  }
}

/** Parameters as they came: a list when one was given twice. */
export type RawQuery = Readonly<Record<string, string | string[] | undefined>>;

/** What is known after each step; a step reads what earlier ones found. */
export interface Authorization {
  readonly ctx: AppContext;
  readonly requester: Viewer;
  readonly query: Readonly<Record<string, string | undefined>>;
  client: OAuthClient & ClientBehind;
  /** What the client leads to, and the scope that opens it. */
  place: Place;
  redirectUri: string;
  challenge: { text: string; method: 'S256' | 'plain' } | null;
  /** Beyond identify and access: what the person is asked for. */
  scopes: readonly string[];
  /** Always part of the token. */
  always: readonly string[];
  /** Whether to ask, or to answer at once. */
  confirm: boolean;
}

interface Place {
  /** Any reach of it that covers the target is enough. */
  scope: 'access:servers' | 'access:services';
  target: ScopeTarget;
  /** The scope with its filter, as tokens carry it. */
  access: string;
  /** How the scopes of its tokens are resolved. */
  tokenClient: TokenClient;
  /** Nobody is asked before: it is the person's own server, or the operator said so. */
  isTrustedBy(user: string): boolean;
}

type Step = (flow: Authorization) => void | Promise<void>;

const refusePage = (message: string) => new HubError('bad_request', message);

const findTheClient: Step = async (flow) => {
  const { client_id: id } = flow.query;
  if (!id) throw refusePage('Missing client_id parameter value.');
  const client = await findClient(flow.ctx.db, id);
  if (!client) throw refusePage('Invalid client_id parameter value.');
  const place = placeOf(client);
  if (!place) throw new HubError('misconfigured', 'There is no server behind this application any more.');
  flow.client = client;
  flow.place = place;
};

function placeOf({ server, service }: ClientBehind): Place | undefined {
  if (server) {
    const { user, name } = server;
    const id = `${user}/${name}`;
    return {
      scope: 'access:servers',
      target: { user, server: name },
      access: `access:servers!server=${id}`,
      tokenClient: { server: id },
      isTrustedBy: (visitor) => visitor === user,
    };
  }
  if (!service) return undefined;
  return {
    scope: 'access:services',
    target: { service: service.name },
    access: `access:services!service=${service.name}`,
    tokenClient: { service: service.name },
    isTrustedBy: () => service.noConfirm,
  };
}

/** Until this has passed, nothing is ever sent to an address that came with the request. */
const checkRedirectUri: Step = (flow) => {
  const given = flow.query.redirect_uri;
  if (given !== undefined && given !== flow.client.redirectUri) throw refusePage('Mismatching redirect URI.');
  flow.redirectUri = flow.client.redirectUri;
};

const checkResponseType: Step = ({ query: { response_type: type } }) => {
  if (!type) throw new AuthorizeRefusal('invalid_request', 'Missing response_type parameter.');
  if (type !== 'code') throw new AuthorizeRefusal('unsupported_response_type', 'Only response_type=code is supported.');
};

const readChallenge: Step = (flow) => {
  const { code_challenge: text, code_challenge_method: method = 'plain' } = flow.query;
  if (method !== 'S256' && method !== 'plain') {
    throw new AuthorizeRefusal('invalid_request', 'Transform algorithm not supported.');
  }
  if (!text && flow.ctx.config.oauth.requirePkce) {
    throw new AuthorizeRefusal('invalid_request', 'Code challenge required.');
  }
  flow.challenge = text ? { text, method } : null;
};

/** The person must be able to reach the place themselves; otherwise no page of it may know them. */
const checkAccess: Step = async ({ ctx, requester, client, place }) => {
  await requireScope(ctx, requester, [place.scope], place.target).catch((error: unknown) => {
    if (!(error instanceof HubError)) throw error;
    throw new HubError('not_allowed', `You do not have permission to access ${client.description}.`);
  });
};

/** Requested ∩ what the client may have ∩ what the person holds; identify and access are always in. */
const readScopes: Step = async (flow) => {
  const { ctx, requester, client, place } = flow;
  const owner = { user: requester.user.name, ...place.tokenClient };
  flow.always = [place.access, ...IDENTIFY_SCOPES];
  const mayHave = allowedOf(ctx, client);
  const requested = flow.query.scope === undefined ? mayHave : namedScopes(ctx, flow.query.scope);
  const { customScopes } = ctx.roles;
  const allowed = expandScopes([...mayHave, ...flow.always], owner, customScopes);
  // A client that may have everything its person may do is limited by them alone; only such a client may ask for it.
  const everything = mayHave.includes('inherit');
  const within =
    everything ||
    (!requested.includes('inherit') && containsScopes(allowed, expandScopes(requested, owner, customScopes)));
  if (!within) throw new AuthorizeRefusal('invalid_scope', 'The application asks for more than it may have.');
  const always = expandScopes(flow.always, owner);
  const held: ScopeSet = requester.scopes;
  flow.scopes = requested.filter((scope) => {
    if (scope === 'inherit') return true;
    const meant = expandScopes([scope], owner, customScopes);
    return !containsScopes(always, meant) && intersectScopes(meant, held).size > 0;
  });
  flow.confirm = !place.isTrustedBy(requester.user.name) && !(await wasGranted(ctx, flow));
};

/** Roles are written out. What no scope is called any more counts for nothing. */
function allowedOf({ roles, log }: AppContext, client: OAuthClient): string[] {
  return client.allowedScopes
    .flatMap((name) => roles.find(name)?.scopes ?? [name])
    .filter((scope) => {
      try {
        parseScope(scope, roles.customScopes);
        return true;
      } catch {
        log.warn({ client: client.identifier, scope }, 'an OAuth client may have a scope that does not exist');
        return false;
      }
    });
}

function namedScopes({ roles }: AppContext, text: string): string[] {
  return text
    .split(' ')
    .filter((name) => name !== '' && name !== 'identify')
    .flatMap((name) => {
      const role = roles.find(name);
      if (role) return role.scopes;
      try {
        parseScope(name, roles.customScopes);
      } catch {
        throw new AuthorizeRefusal('invalid_scope', `The scope ${name} does not exist.`);
      }
      return [name];
    });
}

/** Whoever agreed before is not asked again for the same or less. */
async function wasGranted(
  ctx: AppContext,
  { requester, client, place, scopes, always }: Authorization,
): Promise<boolean> {
  const wanted = await scopesOfToken(ctx, requester.principal, [...scopes, ...always], place.tokenClient);
  const tokens = await listTokens(ctx, requester.principal);
  for (const token of tokens) {
    if (token.clientId !== client.identifier) continue;
    if (containsScopes(await scopesOfToken(ctx, requester.principal, token.scopes, place.tokenClient), wanted))
      return true;
  }
  return false;
}

/** The flow, in order. The first two answer with a page, because nobody vouches for the address yet. */
const STEPS: readonly Step[] = [
  findTheClient,
  checkRedirectUri,
  checkResponseType,
  readChallenge,
  checkAccess,
  readScopes,
];

const PARAMETERS = [
  'client_id',
  'redirect_uri',
  'response_type',
  'scope',
  'state',
  'code_challenge',
  'code_challenge_method',
] as const;

/**
 * Runs every check of `GET` and `POST {api}/oauth2/authorize`.
 * @throws HubError, shown as a page; AuthorizeRefusal, told to the client by a redirect of `flow`.
 */
export async function authorize(
  ctx: AppContext,
  requester: Viewer,
  raw: RawQuery,
): Promise<{ flow: Authorization; refusal: AuthorizeRefusal | undefined }> {
  for (const name of PARAMETERS) {
    if (Array.isArray(raw[name])) throw refusePage(`Duplicate ${name} parameter.`);
  }
  const flow = { ctx, requester, query: raw, challenge: null, confirm: true } as unknown as Authorization;
  try {
    for (const step of STEPS) await step(flow);
    return { flow, refusal: undefined };
  } catch (error) {
    if (error instanceof AuthorizeRefusal) return { flow, refusal: error };
    throw error;
  }
}
