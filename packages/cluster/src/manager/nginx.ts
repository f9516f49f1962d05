import { join } from 'node:path';

export interface FrontInput {
  root: string;
  /** Public name or address. */
  host: string;
  privateIp: string;
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
  client_max_body_size 0;
  proxy_buffering off;
  proxy_request_buffering off;
  proxy_read_timeout 1d;
  proxy_send_timeout 1d;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  server {
    listen ${privateIp}:80;
    location / { return 308 https://${host}$request_uri; }
  }
  server {
    listen ${privateIp}:443 ssl;
    ssl_certificate ${at('etc/atrium/tls/cert.pem')};
    ssl_certificate_key ${at('etc/atrium/tls/key.pem')};
    ssl_protocols TLSv1.2 TLSv1.3;
    location / {
      proxy_pass http://127.0.0.1:8000;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }
  }
}
`;
}
