import type { z } from 'zod';

/** An answer whose body the framework does not check, because it is not JSON. */
export interface OtherAnswer {
  /** Content type; without it, there is no body. */
  type?: string;
  description: string;
}

/** What a route's `schema` says beside the parts that are checked. */
export interface Described {
  summary?: string;
  description?: string;
  /** Answers that `response` cannot describe: text, streams, redirects. */
  answers?: Readonly<Record<number, OtherAnswer>>;
  /**
   * Status codes of refusals beyond those that follow from the route: 400 and 413 where something is read, 403 where
   * somebody must be known, 404 where the path has names.
   */
  refuses?: readonly number[];
  /** A plug-in may refuse with a status of its choice, below 500 too: why. */
  refusesOtherwise?: string;
  /** What the handler reads and checks by itself, with words of its own when it is wrong. */
  reads?: { query?: z.ZodType; body?: z.ZodType };
  /** Bodies and refusals in another form than JSON: `form` for OAuth's token endpoint. */
  dialect?: 'form';
}

declare module 'fastify' {
  interface FastifySchema extends Described {}
}

export interface DescribedRoute extends Described {
  params?: z.ZodType;
  querystring?: z.ZodType;
  body?: z.ZodType;
  response?: Readonly<Record<number, z.ZodType>>;
}
