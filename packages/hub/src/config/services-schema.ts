import { parseScope, Secret } from '@atrium/sdk';
import { z } from 'zod';
import { Duration } from './duration.ts';

/** Shorter ones are guessed, longer ones are never taken from a header. */
export const TOKEN_LENGTH = { least: 8, most: 64 } as const;

/** What can stand in an address as it is: then no two spellings lead to one service. */
const NAME = /^(?!\.+$)[A-Za-z0-9_.-]{1,200}$/;

/** Whether it can be the name of a service (contract §7). */
export function validServiceName(name: string): boolean {
  return NAME.test(name);
}

/** Characters that nobody means to write, and that PostgreSQL does not store. */
const hasControls = (text: string) => /\p{Cc}/u.test(text);

function isSocketPath(escaped: string): boolean {
  try {
    const path = decodeURIComponent(escaped);
    return !hasControls(path) && Buffer.byteLength(path) <= 107;
  } catch {
    return false;
  }
}

/** An address people are sent back to: a path of this hub, or a URL. */
export function isRedirectUri(text: string): boolean {
  return text.length <= 2_048 && !/[\s\p{Cc}#]/u.test(text) && (text.startsWith('/') || URL.canParse(text));
}

/** Every OAuth client of a service is named like this. */
export const CLIENT_ID = /^service-[\x21-\x7e]{1,240}$/;

/** Where a service can listen: TCP without encryption, or a Unix socket as `http+unix://%2Frun%2Fx.sock`. */
export function isServiceUrl(text: string): boolean {
  if (hasControls(text) || text.length > 2_048) return false;
  const socket = /^http\+unix:\/\/(%2F[^/?#]*)\/?$/i.exec(text)?.[1];
  if (socket !== undefined) return isSocketPath(socket);
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  return protocol === 'http:' && hostname !== '' && [username, password, search, hash].every((part) => part === '');
}

export const SERVICE_URL_HINT =
  'Write http://127.0.0.1:<port>, or http+unix://%2Fpath%2Fto%2Fsocket; the proxy speaks no https to services';

/** A scope there is, or the name of a role; custom scopes are the roles' business. */
function isScopeOrRole(text: string): boolean {
  if (!/[:!]/.test(text) || text.startsWith('custom:')) return true;
  try {
    parseScope(text);
    return true;
  } catch {
    return false;
  }
}

const Service = z
  .strictObject({
    name: z
      .string()
      .refine(validServiceName, 'A service needs a name of letters, digits, and _ . - in between')
      .describe('Part of its address: `{base}services/<name>/`.'),
    url: z
      .string()
      .refine(isServiceUrl, SERVICE_URL_HINT)
      .optional()
      .describe('Where it listens; gives it a route of the proxy.'),
    command: z
      .array(z.string())
      .min(1)
      .optional()
      .describe('Program and arguments: Atrium runs it, and starts it again when it ends. Without: it runs elsewhere.'),
    apiToken: z
      .instanceof(Secret)
      .refine(
        (secret) => secret.reveal().length >= TOKEN_LENGTH.least && secret.reveal().length <= TOKEN_LENGTH.most,
        `A token has ${TOKEN_LENGTH.least} to ${TOKEN_LENGTH.most} characters`,
      )
      .refine((secret) => /^\S+$/.test(secret.reveal()), 'A token has no blanks')
      .optional()
      .describe('Its token for the API. One that Atrium runs gets one by itself.'),
    admin: z.boolean().default(false).describe('It may do everything; better give it a role with what it needs.'),
    oauthClientId: z
      .string()
      .regex(CLIENT_ID, 'Begin with service-, without blanks')
      .optional()
      .describe('Of its OAuth client; `service-<name>` by default.'),
    oauthRedirectUri: z
      .string()
      .refine(isRedirectUri, 'Write a path that begins with a slash, or a URL')
      .optional()
      .describe('Where people come back to after signing in; `<prefix>oauth_callback` by default.'),
    allowedScopes: z
      .array(z.string().refine(isScopeOrRole, 'There is no such scope'))
      .default([])
      .describe("What it may do in its visitors' names, beside knowing who they are."),
    oauthNoConfirm: z.boolean().default(false).describe('Visitors are not asked whether they agree.'),
    info: z.record(z.string(), z.json()).default({}).describe('Shown by the API as it is.'),
    display: z.boolean().default(true).describe('In the menu of pages, for those who may open it.'),
    cwd: z.string().startsWith('/', 'Write an absolute path').optional().describe('Where its process runs.'),
    environment: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.union([z.string(), z.instanceof(Secret)]))
      .default({})
      .describe('More variables for its process; they win.'),
    user: z
      .string()
      .min(1)
      .optional()
      .describe('The account its process runs as; `atrium up --service-user` allows it.'),
    timeout: Duration.prefault('30s').describe('How long it may take until it answers.'),
  })
  .superRefine((service, issues) => {
    const complain = (path: string, message: string) => issues.addIssue({ code: 'custom', path: [path], message });
    const { command, url, apiToken, oauthRedirectUri, oauthClientId } = service;
    for (const key of ['cwd', 'user'] as const) {
      if (service[key] !== undefined && !command) complain(key, 'Only for a service with a command');
    }
    if (Object.keys(service.environment).length > 0 && !command)
      complain('environment', 'Only for a service with a command');
    const signsIn = oauthRedirectUri !== undefined || oauthClientId !== undefined;
    if (signsIn && url === undefined && oauthRedirectUri === undefined)
      complain('oauthRedirectUri', 'Needed where there is no url');
    if (signsIn && !command && !apiToken)
      complain('apiToken', "Needed: it is the secret of the service's OAuth client, too");
  });
export type ConfiguredService = z.output<typeof Service>;

const twice = <T>(values: readonly T[]) => values.find((value, at) => values.indexOf(value) !== at);

/** What stands beside people's servers, written in the configuration. */
export const Services = z.array(Service).superRefine((services, issues) => {
  const complain = (message: string) => issues.addIssue({ code: 'custom', path: [], message });
  const name = twice(services.map((service) => service.name));
  if (name !== undefined) complain(`There are two services named ${name}`);
  const client = twice(services.map((service) => clientIdOfService(service.name, service.oauthClientId)));
  if (client !== undefined) complain(`There are two services with the OAuth client ${client}`);
  const texts = services.flatMap(({ apiToken }) => apiToken?.reveal() ?? []);
  if (twice(texts) !== undefined) complain('Two services have the same apiToken');
});

/** The OAuth client of a service. */
export function clientIdOfService(name: string, chosen?: string): string {
  return chosen ?? `service-${name}`;
}
