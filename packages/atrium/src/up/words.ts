import type { PublicSettings } from '../process/messages.ts';

const LOOPBACK = /^(127\.|::1$|localhost$)/;
const EVERYWHERE = /^(0\.0\.0\.0|::)$/;

/** How this machine's browser reaches the hub. */
export function addressOf({ host, port, publicUrl, basePath }: PublicSettings): string {
  if (publicUrl)
    return publicUrl.replace(/\/?$/, basePath.startsWith('/') && new URL(publicUrl).pathname === '/' ? basePath : '/');
  const name = EVERYWHERE.test(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}${basePath}`;
}

/** Passwords and cookies travel in the clear when nothing in front does TLS. */
export function bindWarning({ host, publicUrl }: Pick<PublicSettings, 'host' | 'publicUrl'>): string[] {
  if (LOOPBACK.test(host) || publicUrl?.startsWith('https:')) return [];
  return [
    `Other machines reach the hub on ${host} without encryption: passwords can be read on the way. Put a front server ` +
      'with TLS before it and set publicUrl to its https address, or listen on 127.0.0.1.',
  ];
}

export function readyText(url: string): string {
  return `Atrium is ready: ${url}\nCtrl-C stops the hub. People's servers keep running; atrium down --servers stops those too.`;
}

/** On the manager of a cluster, whose output is a log: the link goes to the operator another way. */
export const linkElsewhereText =
  'There is no administrator yet. On your own computer, atrium cluster status prints a link to the first account.';

/** `path` is below the origin of `url`. */
export function linkText(url: string, { path, expiresAt }: { path: string; expiresAt: number }): string {
  const until = new Date(expiresAt).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  return `There is no administrator yet. Create the first account here (until ${until}, works once):\n  ${new URL(path, url).href}`;
}
