import type { Secret } from '@atrium/sdk';
import type { ConfiguredService } from '../config/services-schema.ts';
import type { AppContext } from '../context.ts';
import type { Service } from './services.repo.ts';

/**
 * The environment of a service that we run (contract §7). The same whenever it is asked: another one is another process.
 */
export function serviceEnv(
  ctx: Pick<AppContext, 'urls' | 'config' | 'apiUrl'>,
  service: Service,
  { configured, token }: { configured: ConfiguredService; token: Secret },
): Record<string, string> {
  const { urls } = ctx;
  const { name, url, oauthClientId } = service;
  const prefix = urls.service(name);
  const origin = ctx.config.publicUrl ? new URL(ctx.config.publicUrl).origin : '';
  const host = urls.serviceHost(name) || origin;
  const access = JSON.stringify(['access:services', `access:services!service=${name}`]);
  return {
    JUPYTERHUB_API_TOKEN: token.reveal(),
    JPY_API_TOKEN: token.reveal(),
    JUPYTERHUB_CLIENT_ID: oauthClientId ?? `service-${name}`,
    JUPYTERHUB_USER: configured.user ?? '',
    JUPYTERHUB_SERVICE_NAME: name,
    JUPYTERHUB_API_URL: ctx.apiUrl,
    JUPYTERHUB_BASE_URL: urls.base,
    ...(url !== null && { JUPYTERHUB_SERVICE_PREFIX: prefix, JUPYTERHUB_SERVICE_URL: url }),
    JUPYTERHUB_OAUTH_CALLBACK_URL: configured.oauthRedirectUri ?? `${urls.serviceUrl(name)}oauth_callback`,
    JUPYTERHUB_OAUTH_SCOPES: access,
    JUPYTERHUB_OAUTH_ACCESS_SCOPES: access,
    JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES: JSON.stringify(service.allowedScopes),
    JUPYTERHUB_HOST: origin,
    JUPYTERHUB_PUBLIC_URL: host && url !== null ? `${host}${prefix}` : '',
    JUPYTERHUB_PUBLIC_HUB_URL: origin && `${origin}${urls.hub}`,
    JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED: urls.hostCookies ? '1' : '0',
    ...Object.fromEntries(
      Object.entries(configured.environment).map(([key, value]) => [
        key,
        typeof value === 'string' ? value : value.reveal(),
      ]),
    ),
  };
}
