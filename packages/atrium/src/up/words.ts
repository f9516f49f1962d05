import type { CertificateFacts } from '@atrium/proxy';
import type { PublicSettings } from '../process/messages.ts';

const LOOPBACK = /^(127\.|::1$|localhost$)/;
const EVERYWHERE = /^(0\.0\.0\.0|::)$/;

type AddressSettings = Pick<PublicSettings, 'host' | 'port' | 'publicUrl' | 'basePath' | 'tls'>;
type BindSettings = Pick<PublicSettings, 'host' | 'publicUrl'> & { tls?: unknown };

/** How this machine's browser reaches the hub. */
export function addressOf({ host, port, publicUrl, basePath, tls }: AddressSettings): string {
  if (publicUrl)
    return publicUrl.replace(/\/?$/, basePath.startsWith('/') && new URL(publicUrl).pathname === '/' ? basePath : '/');
  const name = EVERYWHERE.test(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  const [scheme, usual] = tls ? ['https', 443] : ['http', 80];
  return `${scheme}://${name}${port === usual ? '' : `:${port}`}${basePath}`;
}

/** Passwords and cookies travel in the clear when nothing in front does TLS. */
export function bindWarning({ host, publicUrl, tls }: BindSettings): string[] {
  if (tls || LOOPBACK.test(host) || publicUrl?.startsWith('https:')) return [];
  return [
    `Other machines reach the hub on ${host} without encryption: passwords can be read on the way. Put a front server ` +
      'with TLS before it and set publicUrl to its https address, or listen on 127.0.0.1.',
  ];
}

/** What is served while the first certificate is being fetched. Empty where there is one. */
export function fetchingText(certificates: readonly CertificateFacts[]): string {
  if (!certificates.some(({ selfSigned }) => selfSigned)) return '';
  return 'The certificate is being fetched; until it is there, browsers get a self-signed one. atrium certificate says how far it is.';
}

/** What to compare before one goes on past the browser's warning. Empty where browsers can judge by themselves. */
export function fingerprintText(certificates: readonly CertificateFacts[]): string {
  const own = certificates.filter(({ selfSigned }) => selfSigned);
  return own
    .map(
      ({ fingerprint }) =>
        `Browsers warn of the self-signed certificate. Go on only when its SHA-256 fingerprint is\n  ${fingerprint}`,
    )
    .join('\n');
}

/** `hub.example.org (hub.example.org, www.example.org), until 2027-01-01, 40 days left` */
export function certificateText({ subject, names, notAfter, selfSigned }: CertificateFacts, now: number): string {
  const days = Math.floor((notAfter - now) / 86_400_000);
  const left = days < 0 ? 'expired' : `${days} ${days === 1 ? 'day' : 'days'} left`;
  const until = new Date(notAfter).toISOString().slice(0, 10);
  return `${subject}${selfSigned ? ', self-signed' : ''} (${names.join(', ')}), until ${until}, ${left}`;
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
