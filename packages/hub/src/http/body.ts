import { HubError } from '@atrium/sdk';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const problems = new WeakMap<FastifyRequest, HubError>();

/**
 * Reads every body as JSON, whatever its content type says, as JupyterHub does; an empty one is `undefined`.
 * What is wrong with it is kept until the guard has seen who sent it.
 */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = body as Buffer;
    if (bytes.length === 0) return done(null, undefined);
    try {
      done(null, parseJson(bytes));
    } catch {
      problems.set(request, new HubError('bad_request', 'Invalid JSON in body of request'));
      done(null, undefined);
    }
  });
}

function parseJson(bytes: Buffer): unknown {
  // A key of this name would change the object instead of filling it.
  const reviver = function (this: unknown, key: string, value: unknown) {
    return key === '__proto__' ? undefined : value;
  };
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), reviver);
}

export function bodyProblem(request: FastifyRequest): HubError | undefined {
  return problems.get(request);
}
