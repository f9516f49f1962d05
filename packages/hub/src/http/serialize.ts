import type { FastifySerializerCompiler } from 'fastify/types/schema.js';

/**
 * For answers that are made key by key from the schema's own type, so that it would neither refuse nor leave out anything:
 * a list of people is written several times as fast when nobody looks. A test compares what is sent with the schema.
 */
export const asMade: FastifySerializerCompiler<unknown> = () => (data) => JSON.stringify(data);
