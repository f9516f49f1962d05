/** One option of the command line: what `parseArgs` needs, and what the help shows. */
export interface CliOption {
  type: 'string' | 'boolean';
  short?: string;
  multiple?: boolean;
  /** What stands for the value in the help: `<port>`. */
  value?: string;
  summary: string;
}

const text = (value: string, summary: string): CliOption & { type: 'string' } => ({ type: 'string', value, summary });
const flag = (summary: string): CliOption & { type: 'boolean' } => ({ type: 'boolean', summary });

/** Every option, under the heading of the help that it stands below. Names are those of configurable-http-proxy. */
export const SECTIONS = {
  'Public side': {
    ip: text('<address>', "address to listen at; all of the machine's by default"),
    port: text('<port>', 'port to listen at; 8000 by default'),
    socket: text('<path>', 'Unix socket to listen at, in place of an address'),
    'redirect-port': text('<port>', 'second port, without TLS, that sends browsers to the first'),
    'redirect-to': text('<port>', 'port that it sends them to; --port by default'),
  },
  'Routes (REST API)': {
    'api-ip': text('<address>', 'address of the API; localhost by default'),
    'api-port': text('<port>', 'port of the API; that of --port and one by default'),
    'api-socket': text('<path>', 'Unix socket of the API, in place of an address'),
    'default-target': text('<url>', 'where everything without a route leads'),
    'host-routing': flag('the first part of a route is the host it holds for'),
    'storage-backend': text('<kind>', 'file (as --state-file says; the default) or memory'),
    'state-file': text('<path>', 'where routes are kept over a restart; by default a file for each listening address'),
  },
  'Requests and answers': {
    'no-x-forward': flag('targets are not told by X-Forwarded-… who asked'),
    'trusted-proxies': text(
      '<list>',
      'addresses and ranges of front servers; X-Forwarded-… of anybody else is replaced',
    ),
    'no-prepend-path': flag('the path of a target is not put before that of a request'),
    'no-include-prefix': flag('the path of the route is taken out of that of a request'),
    'change-origin': flag('targets see their own host in Host'),
    'auto-rewrite': flag('redirects of a target to itself lead to where the request came to'),
    'protocol-rewrite': text('<scheme>', 'what the scheme of such a redirect becomes'),
    'custom-header': { ...text('<name:value>', 'field that targets get; may be given many times'), multiple: true },
    timeout: text('<ms>', 'how long a client may neither send nor take anything while a request lasts'),
    'proxy-timeout': text('<ms>', 'how long a target may take to begin its answer'),
    'connections-per-address': text(
      '<number>',
      'how many one address may have open, but for --trusted-proxies; any number by default',
    ),
    'keep-alive-timeout': text('<ms>', 'how long a connection is kept between requests; 75000 by default'),
  },
  'When there is no answer': {
    'error-target': text('<url>', 'server asked for the pages of errors, as <url>/503?url=/the/path'),
    'error-path': text('<folder>', 'folder with such pages: 404.html, 503.html, error.html'),
  },
  'TLS of the public side': {
    'ssl-key': text('<file>', 'key (its passphrase: CONFIGPROXY_SSL_KEY_PASSPHRASE)'),
    'ssl-cert': text('<file>', 'certificate with its chain'),
    'ssl-ca': text('<file>', 'who signs the certificates of clients'),
    'ssl-request-cert': flag('ask clients for a certificate, and refuse those without'),
    'ssl-reject-unauthorized': flag('as without it: who was asked for a certificate must have one'),
    'ssl-protocol': text('<version>', 'TLSv1_2 or TLSv1_3, and no other; both by default'),
    'ssl-ciphers': text('<list>', 'cipher suites, divided by colons'),
    'ssl-allow-rc4': flag('not offered any more'),
    'ssl-dhparam': text('<file>', 'Diffie-Hellman parameters'),
  },
  'A certificate that is fetched (ACME)': {
    'acme-domain': { ...text('<name>', 'host name that it is for; may be given many times'), multiple: true },
    'acme-email': text('<address>', 'whom the authority writes to; giving it agrees to its terms of service'),
    'acme-directory': text('<url>', "which authority; Let's Encrypt by default"),
    'acme-ca': text('<file>', "who signed the directory's own certificate, for an authority of your own"),
    'acme-eab-kid': text('<id>', 'account that the authority knows (its HMAC key: CONFIGPROXY_ACME_EAB_KEY)'),
    'acme-dns': text('<how>', 'names are proved by DNS: route53, or exec:<command>, run as <command> present|cleanup'),
    'acme-dns-zone': text('<id>', 'hosted zone in Route 53; the one with the name by default'),
    'acme-dns-region': text('<region>', 'where requests to Route 53 are signed for: in China and GovCloud only'),
    'acme-dns-wait': text('<seconds>', 'until a record is seen: 30 for a command; at most, for Route 53: 300'),
    'acme-state': text('<folder>', 'where it is kept; by default a folder for each listening address'),
  },
  'TLS of the API': {
    'api-ssl-key': text('<file>', 'key (its passphrase: CONFIGPROXY_API_SSL_KEY_PASSPHRASE)'),
    'api-ssl-cert': text('<file>', 'certificate'),
    'api-ssl-ca': text('<file>', 'who signs the certificates of clients'),
    'api-ssl-request-cert': flag('ask clients for a certificate, and refuse those without'),
    'api-ssl-reject-unauthorized': flag('as without it'),
  },
  'TLS to targets': {
    'client-ssl-key': text('<file>', "key of the proxy's own certificate"),
    'client-ssl-cert': text('<file>', 'certificate that it shows to targets'),
    'client-ssl-ca': text('<file>', "who signs the targets' certificates"),
    'client-ssl-request-cert': flag('without a meaning: targets always have a certificate'),
    'client-ssl-reject-unauthorized': flag('as without it: see --insecure'),
    insecure: flag('targets may have any certificate'),
  },
  'The process': {
    'metrics-ip': text('<address>', "address of the figures for Prometheus; all of the machine's by default"),
    'metrics-port': text('<port>', 'their port; without it there are none'),
    'metrics-socket': text('<path>', 'their Unix socket, in place of an address'),
    'access-log': text('<file>', 'gets a line of JSON for each request; - is standard output. SIGHUP opens it anew'),
    'log-level': text('<level>', 'debug, info (the default), warn or error'),
    'pid-file': text('<file>', 'gets the number of the process, and goes with it'),
    version: { ...flag('print the version'), short: 'V' },
    help: { ...flag('print this'), short: 'h' },
  },
} as const satisfies Record<string, Record<string, CliOption>>;

type Sections = typeof SECTIONS;
type Options = { [Name in keyof Sections]: Sections[Name] }[keyof Sections];
type NamesOf<Section> = Section extends unknown ? keyof Section : never;
export type OptionName = NamesOf<Options>;

export const OPTIONS = Object.assign({}, ...Object.values(SECTIONS)) as Readonly<Record<OptionName, CliOption>>;

/** Options of one hop's TLS come together. */
export type Values = { [Name in OptionName]?: string | boolean | string[] };

export function helpText(): string {
  const left = (name: string, { short, value }: CliOption) =>
    `  ${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`;
  const width = Math.max(...Object.entries(OPTIONS).map(([name, option]) => left(name, option).length));
  const sections = Object.entries(SECTIONS).flatMap(([title, options]) => [
    '',
    `${title}:`,
    ...Object.entries(options as Record<string, CliOption>).map(
      ([name, option]) => `${left(name, option).padEnd(width)}  ${option.summary}`,
    ),
  ]);
  return [
    'A reverse proxy whose routes are set while it runs; takes the place of configurable-http-proxy.',
    '',
    'Usage: atrium-proxy [options]',
    '',
    'Who sets routes must know the token in CONFIGPROXY_AUTH_TOKEN; without one, everybody who reaches the API may.',
    ...sections,
  ].join('\n');
}
