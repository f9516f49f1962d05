import type { Filter } from '@aws-sdk/client-ec2';
import { requestBucket, resourceBucket } from '../buckets.ts';
import { ApiError } from '../errors.ts';
import { ec2Authorizations } from '../policy/ec2-authorizations.ts';
import type { Caller, Service, ServiceCall, WireRequest } from '../services/index.ts';
import type { SimCore } from '../sim.ts';
import { parseForm } from '../wire/form.ts';
import { operationNamed } from '../wire/shape.ts';
import { writeAnswer, writeError } from '../wire/xml.ts';
import { type Action, isAllowed } from './action.ts';
import { ACTIONS } from './actions.ts';
import { unknownFilter } from './filters.ts';

/** The filters of a describe; one action calls them `Filter`. */
const filtersOf = (input: Record<string, unknown>) => (input.Filters ?? input.Filter) as Filter[] | undefined;

/** EC2 on the wire: reads a form, refuses what it does not know, takes tokens, runs the action, writes XML. */
export function ec2Service(core: SimCore, buckets: boolean): Service {
  const { world } = core;

  function known(name: string, caller: Caller): Action {
    const found = ACTIONS.get(name);
    if (found) return found;
    core.violate({ kind: 'action', caller: caller.name, action: name, message: `The simulator has no action ${name}` });
    throw new ApiError('InvalidAction', `The action ${name} is not valid for this web service.`);
  }

  function parse(request: WireRequest, caller: Caller) {
    const fields = new URLSearchParams(request.body);
    const name = fields.get('Action') ?? '';
    const found = known(name, caller);
    const { input, paths, unknown } = parseForm(fields, operationNamed(name)!.input);
    const refused = [...unknown, ...[...paths].filter((path) => !isAllowed(found.parameters, path))];
    if (refused.length > 0) {
      const message = `The parameter ${refused[0]} is not recognized`;
      core.violate({ kind: 'parameter', caller: caller.name, action: name, message: refused.join(', ') });
      throw new ApiError('UnknownParameter', message);
    }
    if (found.filters) {
      const filter = unknownFilter(found.filters, filtersOf(input));
      if (filter !== undefined) {
        core.violate({ kind: 'filter', caller: caller.name, action: name, message: filter });
        throw new ApiError('InvalidParameterValue', `The filter '${filter}' is invalid`);
      }
    }
    return { action: name, params: input, mutating: found.mutating };
  }

  function throttle(found: Action, params: Record<string, unknown>): void {
    if (!buckets) return;
    const narrowed =
      !found.paged ||
      params.MaxResults !== undefined ||
      params.NextToken !== undefined ||
      filtersOf(params) !== undefined;
    const request = requestBucket(found.name, found.mutating, narrowed);
    const resources = resourceBucket(found.name);
    const ids = params.InstanceIds as string[] | undefined;
    const cost = ids?.length ?? (params.MaxCount as number | undefined) ?? 1;
    if (
      !core.buckets.take(request.name, request.size) ||
      (resources && !core.buckets.take(resources.name, resources.size, cost))
    ) {
      throw new ApiError('RequestLimitExceeded', 'Request limit exceeded.', 503);
    }
  }

  return {
    parse,
    authorize({ action, params, caller }) {
      known(action, caller);
      return ec2Authorizations(action, params, world, (name) => core.services().profileArns(name));
    },
    async run({ action, params, caller, requestId }: ServiceCall) {
      const found = known(action, caller);
      throttle(found, params);
      if (params.DryRun === true) {
        throw new ApiError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
      }
      const output = await found.run(params, { core, world, caller });
      return {
        status: 200,
        headers: { 'content-type': 'text/xml;charset=UTF-8' },
        body: writeAnswer(action, output, operationNamed(action)!.output, requestId),
      };
    },
    fail: ({ code, message, status }, requestId) => ({
      status,
      headers: { 'content-type': 'text/xml;charset=UTF-8' },
      body: writeError(code, message, requestId),
    }),
  };
}
