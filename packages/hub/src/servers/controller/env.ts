import type { AppContext } from '../../context.ts';
import { segment } from '../../urls.ts';

/**
 * OAuth client of a server (contract §1.1): Python's `quote`, which also escapes `@`. A hyphen in the user's name is
 * escaped besides: otherwise ada's server `b` and the server of a person named `ada-b` would be one client, and starting
 * the one would lock everybody out of the other.
 */
export function clientIdOf(user: string, server: string): string {
  const quoted = (text: string) => segment(text).replaceAll('@', '%40');
  return `jupyterhub-user-${quoted(user).replaceAll('-', '%2D')}${server === '' ? '' : `-${quoted(server)}`}`;
}

/** What a server's token may do: the `server` role, resolved (contract §1.2, §4.4). */
export function serverTokenScopes({ roles }: Pick<AppContext, 'roles'>, user: string, server: string): string[] {
  const own = { user, server: `${user}/${server}` };
  const role = (roles.find('server')?.scopes ?? []).flatMap((scope) => {
    // Shorthand is for whoever a token belongs to, which does not say which server; of a service it means nothing here.
    const [, kind] = /!(user|server|service)$/.exec(scope) ?? [];
    if (kind === 'service') return [];
    return kind === undefined ? [scope] : [`${scope}=${own[kind as keyof typeof own]}`];
  });
  // Without this one no server could say that it is in use.
  return [...new Set([`users:activity!user=${user}`, ...role])];
}

/**
 * The environment of contract §1.1, without the token and without `JUPYTERHUB_SERVICE_URL` (the plug-in's). The same
 * for every attempt of a start: nothing here may depend on when it is asked.
 */
export function serverEnv(ctx: AppContext, user: { name: string }, serverName: string): Record<string, string> {
  const { urls, config } = ctx;
  const prefix = urls.server(user.name, serverName);
  const access = JSON.stringify([
    `access:servers!server=${user.name}/${serverName}`,
    `access:servers!user=${user.name}`,
  ]);
  const origin = config.publicUrl ? new URL(config.publicUrl).origin : '';
  const host = urls.userHost(user.name) || origin;
  return {
    JUPYTERHUB_CLIENT_ID: clientIdOf(user.name, serverName),
    JUPYTERHUB_USER: user.name,
    JUPYTERHUB_SERVER_NAME: serverName,
    JUPYTERHUB_API_URL: ctx.apiUrl,
    JUPYTERHUB_ACTIVITY_URL: `${ctx.apiUrl}/users/${segment(user.name)}/activity`,
    JUPYTERHUB_BASE_URL: urls.base,
    JUPYTERHUB_SERVICE_PREFIX: prefix,
    JUPYTERHUB_OAUTH_CALLBACK_URL: `${urls.serverUrl(user.name, serverName)}oauth_callback`,
    JUPYTERHUB_OAUTH_SCOPES: access,
    JUPYTERHUB_OAUTH_ACCESS_SCOPES: access,
    JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES: '[]',
    JUPYTERHUB_HOST: origin,
    JUPYTERHUB_PUBLIC_URL: host && `${host}${prefix}`,
    JUPYTERHUB_PUBLIC_HUB_URL: origin && `${origin}${urls.hub}`,
    JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED: urls.hostCookies ? '1' : '0',
  };
}
