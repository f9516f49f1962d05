import { randomUUID } from 'node:crypto';
import { ApiError, type Service, type ServiceContext, type ServiceReply } from './service.ts';
import { type XmlValue, xml } from './xml.ts';

/** Parameters after `a.member.1.b=c` was folded into `{ a: [{ b: 'c' }] }`. */
export type QueryInput = { [name: string]: string | QueryInput | (string | QueryInput)[] | undefined };

/** One action of a service with the query protocol. */
export interface QueryAction {
  /** Top-level parameters it takes; any other is refused and noted. `!` marks a required one. */
  parameters: string[];
  run(input: QueryInput, caller: { accessKeyId: string; arn: string }): XmlValue | undefined;
}

/** Folds flat query parameters into lists (`.member.N`) and structures. */
export function foldQuery(flat: Iterable<[string, string]>): QueryInput {
  const root: Record<string, unknown> = {};
  for (const [name, value] of flat) {
    const path = name.split('.').filter((part) => part !== 'member');
    let at = root;
    for (const part of path.slice(0, -1)) {
      at[part] ??= {};
      at = at[part] as Record<string, unknown>;
    }
    at[path.at(-1) as string] = value;
  }
  return listed(root) as QueryInput;
}

/** Structures whose keys are all numbers are lists. */
function listed(node: unknown): unknown {
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node);
  if (entries.length > 0 && entries.every(([key]) => /^\d+$/.test(key)))
    return entries.sort(([a], [b]) => Number(a) - Number(b)).map(([, value]) => listed(value));
  return Object.fromEntries(entries.map(([key, value]) => [key, listed(value)]));
}

/** A service that speaks AWS's query protocol: form parameters in, XML out (IAM, STS). */
export function queryService(
  name: string,
  namespace: string,
  actions: Record<string, QueryAction>,
  context: ServiceContext,
): Service {
  const answer = (status: number, body: string): ServiceReply => ({
    status,
    headers: { 'content-type': 'text/xml' },
    body,
  });
  return {
    read(request) {
      const flat = [...new URLSearchParams(request.body)].filter(([key]) => key !== 'Version');
      const action = flat.find(([key]) => key === 'Action')?.[1] ?? '';
      const known = Object.hasOwn(actions, action) ? actions[action] : undefined;
      if (!known) {
        context.violation('action', `${name}:${action}`, 'unknown action');
        throw new ApiError('InvalidAction', `Could not find operation ${action}`);
      }
      const parameters = foldQuery(flat.filter(([key]) => key !== 'Action'));
      for (const key of Object.keys(parameters)) {
        if (known.parameters.some((parameter) => parameter.replace('!', '') === key)) continue;
        context.violation('parameter', `${name}:${action}`, `unknown parameter ${key}`);
        throw new ApiError('ValidationError', `The parameter ${key} is not recognized`);
      }
      for (const parameter of known.parameters) {
        if (parameter.endsWith('!') && !parameters[parameter.slice(0, -1)])
          throw new ApiError(
            'ValidationError',
            `1 validation error detected: Value null at '${parameter.slice(0, -1)}' failed to satisfy constraint: Member must not be null`,
          );
      }
      return { action, parameters };
    },
    run({ action, parameters }, { caller }) {
      const result = actions[action]?.run(parameters as QueryInput, caller);
      const shape: Record<string, XmlValue> = { ResponseMetadata: { RequestId: randomUUID() } };
      const inner = `${result === undefined ? '' : xml(`${action}Result`, result)}${Object.entries(shape)
        .map(([key, value]) => xml(key, value))
        .join('')}`;
      return answer(200, `<${action}Response xmlns="${namespace}">${inner}</${action}Response>`);
    },
    fail(error) {
      const type = error.status < 500 ? 'Sender' : 'Receiver';
      const body = xml('Error', { Type: type, Code: error.code, Message: error.message });
      return answer(
        error.status,
        `<ErrorResponse xmlns="${namespace}">${body}${xml('RequestId', randomUUID())}</ErrorResponse>`,
      );
    },
  };
}
