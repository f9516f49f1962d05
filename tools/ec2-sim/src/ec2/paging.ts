import { ApiError } from '../errors.ts';
import type { Resource } from '../world.ts';

export interface PageRequest {
  MaxResults?: number | undefined;
  NextToken?: string | undefined;
}

export interface Limits {
  min?: number;
  max?: number;
  /** Name of the id parameter that may not stand beside MaxResults, with what was given for it. */
  ids?: { name: string; given: readonly string[] | undefined };
}

/** One page in order of creation. Without MaxResults everything is one page, as EC2 does up to its own cap. */
export function paginate<T extends Resource>(
  records: T[],
  request: PageRequest,
  { min = 5, max = 1000, ids }: Limits = {},
): { page: T[]; NextToken?: string } {
  const { MaxResults: size, NextToken: token } = request;
  if (size !== undefined && ids?.given?.length) {
    throw new ApiError(
      'InvalidParameterCombination',
      `The parameter ${ids.name} cannot be used with the parameter maxResults`,
    );
  }
  if (size !== undefined && (size < min || size > max)) {
    throw new ApiError(
      'InvalidParameterValue',
      `Value ( ${size} ) for parameter maxResults is invalid. Expecting a value between ${min} and ${max}.`,
    );
  }
  let rest = records;
  if (token !== undefined) {
    const after = Number(
      Buffer.from(token, 'base64url')
        .toString()
        .match(/^after:(\d+)$/)?.[1],
    );
    if (!Number.isInteger(after)) throw new ApiError('InvalidParameterValue', 'The token is not valid.');
    rest = records.filter(({ seq }) => seq > after);
  }
  const page = rest.slice(0, size ?? max);
  return page.length < rest.length
    ? { page, NextToken: Buffer.from(`after:${page.at(-1)!.seq}`).toString('base64url') }
    : { page };
}
