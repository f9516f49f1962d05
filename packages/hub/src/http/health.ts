import type { FastifyReply } from 'fastify';
import { JUPYTERHUB_VERSION } from './version.ts';

/** An empty page: the hub answers. The same on both listeners, because the proxy asks the inner one for the world. */
export function sendHealth(reply: FastifyReply): FastifyReply {
  return reply
    .headers({ 'cache-control': 'no-store', 'x-jupyterhub-version': JUPYTERHUB_VERSION })
    .type('text/html')
    .send('');
}
