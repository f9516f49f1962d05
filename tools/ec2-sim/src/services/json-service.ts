import { randomUUID } from 'node:crypto';
import { ApiError, type Service, type ServiceContext } from './service.ts';

export type JsonInput = Record<string, unknown>;

/** One action of a JSON service. */
export interface JsonAction {
  /** Members it takes; any other is refused and noted. `!` marks a required one. */
  parameters: string[];
  run(input: JsonInput): unknown;
}

/** A service that speaks AWS's JSON 1.1 protocol: the action is the end of `X-Amz-Target` (SSM, Pricing, Service Quotas). */
export function jsonService(name: string, actions: Record<string, JsonAction>, context: ServiceContext): Service {
  const answer = (status: number, body: unknown) => ({
    status,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() },
    body: JSON.stringify(body),
  });
  return {
    read(request) {
      const action = String(request.headers['x-amz-target'] ?? '').replace(/^.*\./, '');
      const known = Object.hasOwn(actions, action) ? actions[action] : undefined;
      if (!known) {
        context.violation('action', `${name}:${action}`, 'unknown action');
        throw new ApiError('UnknownOperationException', `The operation ${action} is not known`);
      }
      let parameters: JsonInput;
      try {
        parameters = JSON.parse(request.body || '{}') as JsonInput;
      } catch {
        throw new ApiError('SerializationException', 'The body is not JSON');
      }
      for (const key of Object.keys(parameters)) {
        if (known.parameters.some((parameter) => parameter.replace('!', '') === key)) continue;
        context.violation('parameter', `${name}:${action}`, `unknown parameter ${key}`);
        throw new ApiError('ValidationException', `The parameter ${key} is not recognized`);
      }
      for (const parameter of known.parameters) {
        if (parameter.endsWith('!') && parameters[parameter.slice(0, -1)] === undefined)
          throw new ApiError(
            'ValidationException',
            `1 validation error detected: Value null at '${parameter.slice(0, -1)}' failed to satisfy constraint: Member must not be null`,
          );
      }
      return { action, parameters };
    },
    run: ({ action, parameters }) => answer(200, actions[action]?.run(parameters) ?? {}),
    fail: (error) => answer(error.status, { __type: error.code, message: error.message, Message: error.message }),
  };
}
