import { join } from 'node:path';
import { TLS12_SUITES } from '@atrium/sdk';

export interface FrontInput {
  root: string;
  /** Public name or address. */
  host: string;
  privateIp: string;
}

/** Outside of every server: what `Connection` is for a websocket, and for anything else. Of a name that nobody else takes. */
export const CONNECTION_MAP = "map $http_upgrade $atrium_connection { default upgrade; '' ''; }";

/** Uploads of any size, answers as they come, and a notebook that says nothing while a long cell runs. */
const PASSING = `client_max_body_size 0;
proxy_buffering off;
proxy_request_buffering off;
proxy_read_timeout 1d;
proxy_send_timeout 1d;`;

/** What is behind the certificate's lines: versions and suites. */
export const TLS_LINES = `ssl_protocols TLSv1.2 TLSv1.3;
ssl_ciphers ${TLS12_SUITES.join(':')};
ssl_prefer_server_ciphers off;`;

/**
 * The place that passes everything on. What a client says of where it comes from is replaced, never passed on.
 * @param path of the installation; passed on unchanged
 * @param upstream `127.0.0.1:8000`
 */
export function proxyLocation(path: string, upstream: string): string {
  return `location ${path} {
  proxy_pass http://${upstream};
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto https;
  proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Forwarded-Port $server_port;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $atrium_connection;
${indented(PASSING, 2)}
}`;
}

/** The same lines, further to the right. */
export function indented(text: string, by: number): string {
  return text.replace(/^(?=.)/gm, ' '.repeat(by));
}

/** nginx before the proxy: TLS on 443, and 80 leads there. Everything else is the proxy's business. */
export function nginxConfig({ root, host, privateIp }: FrontInput): string {
  const at = (path: string) => join(root, path);
  return `# Written by atrium cluster settings; changes are lost.
worker_processes auto;
pid ${at('run/atrium-front.pid')};
error_log stderr warn;
events { worker_connections 8192; }
http {
  access_log off;
  server_tokens off;
  ${CONNECTION_MAP}
  server {
    listen ${privateIp}:80;
    location / { return 308 https://${host}$request_uri; }
  }
  server {
    listen ${privateIp}:443 ssl;
    ssl_certificate ${at('etc/atrium/tls/cert.pem')};
    ssl_certificate_key ${at('etc/atrium/tls/key.pem')};
${indented(TLS_LINES, 4)}
${indented(proxyLocation('/', '127.0.0.1:8000'), 4)}
  }
}
`;
}

export interface SiteInput {
  /** Names that browsers use; `*.hub.example.org` for every name below. */
  names: readonly string[];
  /** As browsers use it; 443 gets a second server on 80 that leads to it. */
  port: number;
  basePath: string;
  upstream: string;
  cert: string;
  key: string;
}

/** A site for an nginx that serves other things, too: to be included inside `http`. */
export function nginxSite({ names, port, basePath, upstream, cert, key }: SiteInput): string {
  const plain =
    port === 443
      ? `server {
  listen 80;
  listen [::]:80;
  server_name ${names.join(' ')};
  location / { return 308 https://$host$request_uri; }
}

`
      : '';
  return `# Made by atrium nginx print, for ${upstream}. Belongs inside http { }, as the files of sites-enabled and conf.d do.
${CONNECTION_MAP}

${plain}server {
  listen ${port} ssl;
  listen [::]:${port} ssl;
  server_name ${names.join(' ')};
  ssl_certificate ${cert};
  ssl_certificate_key ${key};
${indented(TLS_LINES, 2)}
${indented(proxyLocation(basePath, upstream), 2)}
}
`;
}
