import type { QueryInput } from '../services/query-service.ts';
import { ApiError } from '../services/service.ts';
import type { XmlValue } from '../services/xml.ts';

/** Parameters of every IAM list. */
export const PAGING = ['Marker', 'MaxItems'];

/** One page of a list: `MaxItems` at most (100 unless told), `Marker` is where the next begins. */
export function page<T>(items: T[], input: QueryInput, show: (item: T) => XmlValue): Record<string, XmlValue> {
  const size = input.MaxItems === undefined ? 100 : Number(input.MaxItems);
  const from = input.Marker === undefined ? 0 : Number(input.Marker);
  if (!Number.isInteger(size) || size < 1 || size > 1000)
    throw new ApiError('ValidationError', `Value '${input.MaxItems}' at 'maxItems' must be between 1 and 1000`);
  if (!Number.isInteger(from) || from < 0) throw new ApiError('ValidationError', 'Invalid Marker.');
  const more = items.length > from + size;
  return {
    members: items.slice(from, from + size).map(show),
    IsTruncated: more,
    ...(more ? { Marker: String(from + size) } : {}),
  };
}

/** The page as the element `name` of the answer. */
export function pageAs<T>(
  name: string,
  items: T[],
  input: QueryInput,
  show: (item: T) => XmlValue,
): Record<string, XmlValue> {
  const { members, ...rest } = page(items, input, show);
  return { [name]: { member: members }, ...rest };
}
