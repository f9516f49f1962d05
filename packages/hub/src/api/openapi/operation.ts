import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import type { RouteAccess } from '../../http/guard.ts';
import type { Components } from './components.ts';
import type { DescribedRoute } from './described.ts';

/** What the API answers when it refuses (contract §3.1). */
const Refusal = z
  .object({
    status: z.int(),
    message: z.string(),
    code: z.string().optional().describe('Stable: for programs.'),
    request_id: z.string().describe("Finds the line in the hub's log."),
  })
  .meta({ title: 'Refusal' });

/** RFC 6749 §5.2. */
const OAuthRefusal = z.object({ error: z.string(), error_description: z.string() }).meta({ title: 'OAuthRefusal' });

export interface Operation {
  summary?: string | undefined;
  description?: string | undefined;
  parameters: object[];
  requestBody?: object;
  responses: Record<string, object>;
  security: object[];
}

interface DescribedOperation {
  /** Below `{api}`, names in braces. */
  path: string;
  /** In small letters. */
  method: string;
  schema: DescribedRoute;
  access: RouteAccess;
}

/** One method of one path, as the document has it. */
export function describeOperation(components: Components, route: DescribedOperation): Operation {
  const { path, method, access } = route;
  const { reads, ...checked } = route.schema;
  const schema = {
    ...checked,
    ...(reads?.body && { body: reads.body }),
    ...(reads?.query && { querystring: reads.query }),
  };
  const scopes = access.scopes ?? [];
  const needs = scopes.length > 0 ? `Needs one of the scopes ${scopes.map((scope) => `\`${scope}\``).join(', ')}.` : '';
  return {
    summary: schema.summary,
    description: [schema.description, needs].filter(Boolean).join(' ') || undefined,
    parameters: [
      ...parameters(components, 'path', schema.params, path),
      ...parameters(components, 'query', schema.querystring),
    ],
    ...(schema.body !== undefined && {
      requestBody: {
        required: !schema.body.safeParse(undefined).success,
        content: {
          [schema.dialect === 'form' ? 'application/x-www-form-urlencoded' : 'application/json']: {
            schema: components.of(schema.body, 'input'),
          },
        },
      },
    }),
    responses: {
      ...answers(components, method, schema),
      ...refusals(components, { path, method, schema, access }),
    },
    security: access.public || access.page ? [] : [{ token: [] }],
  };
}

function parameters(
  components: Components,
  place: 'path' | 'query',
  schema: z.ZodType | undefined,
  path = '',
): object[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = components.of(schema, 'input') as {
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

const json = (schema: object) => ({ 'application/json': { schema } });

function answers(components: Components, method: string, schema: DescribedRoute) {
  const described = Object.entries(schema.response ?? {}).map(([status, model]) => [
    status,
    model instanceof z.ZodUndefined
      ? { description: 'Done; no body' }
      : { description: 'Success', content: json(components.of(model, 'output')) },
  ]);
  const others = Object.entries(schema.answers ?? {}).map(([status, { type, description }]) => [
    status,
    { description, ...(type !== undefined && { content: { [type]: mediaOf(type) } }) },
  ]);
  const all = Object.fromEntries([...described, ...others]);
  // What is written piece by piece has no tag.
  const tagged =
    method === 'get' && 200 in all && !['text/event-stream', 'text/csv'].includes(schema.answers?.[200]?.type ?? '');
  return { ...all, ...(tagged && { 304: { description: 'As the `ETag` that was sent; no body' } }) };
}

/** What is in a stream of events cannot be said in OpenAPI 3.1; what is JSON, the description says. */
function mediaOf(type: string): object {
  if (type === 'text/event-stream' || type === 'application/json') return {};
  return { schema: { type: 'string' } };
}

/** What a route may refuse with. */
function refusals(components: Components, route: DescribedOperation) {
  const { path, method, schema, access } = route;
  const named = path.includes('{');
  // A body that is no JSON is refused even where nobody would have read it.
  const reads = !['get', 'head'].includes(method);
  const codes = new Set<number>(schema.refuses ?? []);
  if (reads || schema.querystring || named) codes.add(400);
  if (reads) codes.add(413);
  if (!access.public) codes.add(403);
  if (named) codes.add(404);
  const content = access.page
    ? { 'text/html': { schema: { type: 'string' } } }
    : json(components.of(Refusal, 'output'));
  const own = schema.dialect === 'form' ? json(components.of(OAuthRefusal, 'output')) : content;
  const entry = (description: string, of = own) => ({ description, content: of });
  return {
    ...Object.fromEntries([...codes].map((code) => [code, entry(STATUS_CODES[code] ?? 'Refused')])),
    ...(schema.refusesOtherwise !== undefined && { '4XX': entry(schema.refusesOtherwise, content) }),
    // A start that failed, a database that is gone, a fault of the hub.
    '5XX': entry('Failed', content),
  };
}
