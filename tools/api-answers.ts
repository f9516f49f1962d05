import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

interface Answer {
  status: number;
  headers: Headers;
  /** Parsed when it is JSON. */
  body: unknown;
}

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: object;
}

/**
 * Compares answers with what the hub's own description of its API says about them: status, content type, schema.
 * `path` is below `{api}`. Throws when an answer is not as described; of paths that are not described it knows nothing.
 */
export function answerChecker(document: OpenApi): (method: string, path: string, answer: Answer) => void {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema({ $id: 'document', components: document.components });
  const known = new Map<object, ValidateFunction>();
  const routes = Object.entries(document.paths)
    .map(([template, operations]) => ({
      template,
      operations,
      names: template.split('{').length,
      pattern: patternOf(template),
    }))
    // Written-out paths come before those with names in their place.
    .sort((a, b) => a.names - b.names);

  function validatorOf(schema: object): ValidateFunction {
    let validate = known.get(schema);
    if (!validate) {
      validate = ajv.compile(
        JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/')) as object,
      );
      known.set(schema, validate);
    }
    return validate;
  }

  return (method, path, { status, headers, body }) => {
    const bare = path.split('?', 1)[0] ?? path;
    const route = routes.find(({ pattern, operations }) => pattern.test(bare) && method.toLowerCase() in operations);
    const operation = route?.operations[method.toLowerCase()];
    if (!operation) return;
    const label = `${method} ${route.template} answered ${status}`;
    const described = operation.responses[status] ?? operation.responses[`${String(status)[0]}XX`];
    if (!described)
      throw new Error(`${label}, which its description does not have (schema.response or schema.refuses of the route)`);
    const type = headers.get('content-type')?.split(';')[0] ?? '';
    if (!described.content) {
      if (body !== '') throw new Error(`${label} with a body; its description has none`);
      return;
    }
    const content = described.content[type];
    if (!content)
      throw new Error(`${label} as ${type}; its description has ${Object.keys(described.content).join(', ')}`);
    if (type !== 'application/json') return;
    const validate = validatorOf(content.schema);
    if (!validate(body)) throw new Error(`${label} with ${JSON.stringify(body)}: ${ajv.errorsText(validate.errors)}`);
  };
}

function patternOf(template: string): RegExp {
  const parts = template.split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^/]+')}$`);
}
