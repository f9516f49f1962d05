import type { RequestListener } from 'node:http';

const HOST = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.\-_]+)(?::[0-9]*)?$/;

/** Sends whoever comes without TLS to where it is. @param port of the public side, as browsers see it */
export function toHttps(port: number): RequestListener {
  return (request, reply) => {
    const [, host] = HOST.exec(request.headers.host ?? '') ?? [];
    if (host === undefined || !request.url?.startsWith('/')) {
      reply.writeHead(400, { 'Content-Type': 'text/plain; charset=utf-8' });
      reply.end(`What is here is reached by https on port ${port}; this request does not say at which host.`);
      return;
    }
    reply.writeHead(301, { Location: `https://${host}${port === 443 ? '' : `:${port}`}${request.url}` }).end();
  };
}
