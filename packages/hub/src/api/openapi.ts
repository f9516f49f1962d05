import type { FastifyInstance, FastifySchema } from 'fastify';
import { z } from 'zod';
import type { AppContext } from '../context.ts';
import type { RouteAccess } from '../http/guard.ts';
import { ATRIUM_VERSION } from '../http/version.ts';

/** What a route's `schema` may say here beside the parts that are checked. */
interface Described extends FastifySchema {
  summary?: string;
  description?: string;
  /** Another spelling of a path that is described already. */
  hide?: boolean;
}

declare module 'fastify' {
  interface FastifySchema {
    summary?: string;
    description?: string;
    hide?: boolean;
  }
}

interface Operation {
  summary?: string | undefined;
  description?: string | undefined;
  parameters: object[];
  requestBody?: object;
  responses: Record<string, object>;
  security: object[];
}

/** Collects the routes of `app` as they are added and answers with what they say about themselves (OpenAPI 3.1). */
export function describeRoutes(app: FastifyInstance, ctx: AppContext): () => object {
  const paths: Record<string, Record<string, Operation>> = {};
  app.addHook('onRoute', (route) => {
    const schema = route.schema as Described | undefined;
    if (!schema?.summary || schema.hide) return;
    const path = route.url.slice(ctx.urls.api.length).replace(/:(\w+)/g, '{$1}') || '/';
    paths[path] ??= {};
    const methods = [route.method].flat().filter((method) => method !== 'HEAD');
    for (const method of methods) paths[path][method.toLowerCase()] = operation(path, schema, route.config);
  });
  return () => ({
    openapi: '3.1.0',
    info: {
      title: 'Atrium',
      version: ATRIUM_VERSION,
      description: "The hub's REST API, compatible with JupyterHub's. Made from the routes themselves.",
      license: { name: 'BSD-3-Clause' },
    },
    servers: [{ url: ctx.urls.api }],
    components: {
      securitySchemes: {
        token: { type: 'apiKey', name: 'Authorization', in: 'header', description: '`token <text>`' },
      },
    },
    paths,
  });
}

function operation(path: string, schema: Described, access: RouteAccess | undefined): Operation {
  const scopes = access?.scopes ?? [];
  const needs = scopes.length > 0 ? `Needs one of the scopes ${scopes.map((scope) => `\`${scope}\``).join(', ')}.` : '';
  return {
    summary: schema.summary,
    description: [schema.description, needs].filter(Boolean).join(' ') || undefined,
    parameters: [...parameters('path', schema.params, path), ...parameters('query', schema.querystring)],
    ...(schema.body !== undefined && { requestBody: { content: json(schema.body, 'input') } }),
    responses: responses(schema),
    security: access?.public ? [] : [{ token: [] }],
  };
}

function jsonSchema(schema: unknown, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema as z.ZodType, { io, unrepresentable: 'any' });
  return rest;
}

const json = (schema: unknown, io: 'input' | 'output') => ({ 'application/json': { schema: jsonSchema(schema, io) } });

function parameters(place: 'path' | 'query', schema: unknown, path = ''): object[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    properties?: Record<string, { description?: string }>;
    required?: string[];
  };
  return Object.entries(properties)
    .filter(([name]) => place === 'query' || path.includes(`{${name}}`))
    .map(([name, { description, ...rest }]) => ({
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      schema: rest,
      ...(description && { description }),
    }));
}

function responses(schema: Described): Record<string, object> {
  const described = (schema.response ?? {}) as Record<string, z.ZodType>;
  const answers = Object.entries(described).map(([status, model]) => [
    status,
    model instanceof z.ZodUndefined
      ? { description: 'Done; no body' }
      : { description: 'Success', content: json(model, 'output') },
  ]);
  return {
    ...(answers.length > 0 ? Object.fromEntries(answers) : { '200': { description: 'Success' } }),
    default: { description: 'Refused: `{status, message, code, request_id}`' },
  };
}
