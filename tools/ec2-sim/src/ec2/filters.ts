import type { Filter } from '@aws-sdk/client-ec2';
import { ApiError } from '../errors.ts';
import { isVisible, type Resource, seenTags, type World } from '../world.ts';

type Value = string | number | boolean | undefined | readonly (string | undefined)[];

/** Filter name to how it reads a record. `tag:…` and `tag-key` work for every resource. */
export type FilterTable<T> = Readonly<Record<string, (record: T, world: World) => Value>>;

/** A name the table does not hold; undefined when all are known. */
export function unknownFilter(table: object, filters: readonly Filter[] | undefined): string | undefined {
  return filters?.find(({ Name }) => !isKnown(table, Name ?? ''))?.Name;
}

function isKnown(table: object, name: string): boolean {
  return name.startsWith('tag:') || name === 'tag-key' || Object.hasOwn(table, name);
}

/** The records that pass every filter: any of a filter's values, `*` and `?` as wildcards. */
export function select<T extends Resource>(
  world: World,
  records: Iterable<T>,
  table: FilterTable<T>,
  filters: readonly Filter[] | undefined,
): T[] {
  const tests = (filters ?? []).map((filter) => compile(world, table, filter));
  const out: T[] = [];
  for (const record of records) if (isVisible(world, record) && tests.every((test) => test(record))) out.push(record);
  return out;
}

function compile<T extends Resource>(world: World, table: FilterTable<T>, filter: Filter): (record: T) => boolean {
  const name = filter.Name ?? '';
  const wanted = filter.Values ?? [];
  if (wanted.length === 0) throw new ApiError('InvalidParameterValue', `The filter '${name}' has no values`);
  if (wanted.length > 200) throw new ApiError('FilterLimitExceeded', 'The maximum number of filter values is 200');
  const exact = new Set(wanted);
  const patterns = wanted.filter((value) => /[*?\\]/.test(value)).map(pattern);
  const fits = (value: string) => exact.has(value) || patterns.some((one) => one.test(value));
  if (name.startsWith('tag:')) {
    const key = name.slice(4);
    return (record) => {
      const value = seenTags(world, record).get(key);
      return value !== undefined && fits(value);
    };
  }
  if (name === 'tag-key') return (record) => [...seenTags(world, record).keys()].some(fits);
  const read = table[name]!;
  return (record) => {
    const value = read(record, world);
    if (value === undefined) return false;
    return Array.isArray(value) ? value.some((one) => one !== undefined && fits(one)) : fits(String(value));
  };
}

function pattern(text: string): RegExp {
  const source = text.replace(/\\?[\s\S]/g, (c) => {
    if (c === '*') return '.*';
    if (c === '?') return '.';
    return (c.length === 2 ? c[1]! : c).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, 's');
}
