import { z } from 'zod';

/** The schema inside `default`, `prefault`, `optional` and transforms: what shape a value must have. */
export function unwrap(schema: z.ZodType): z.ZodType {
  let at = schema;
  for (;;) {
    const def = at.def as { innerType?: z.ZodType; in?: z.ZodType };
    const inner = def.innerType ?? def.in;
    if (!inner) return at;
    at = inner;
  }
}

/** The keys of an object schema, with their own schemas; undefined for anything else. */
export function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | undefined {
  const bare = unwrap(schema);
  return bare instanceof z.ZodObject ? (bare.shape as Record<string, z.ZodType>) : undefined;
}

/** One setting: a leaf of the schema. `path` is dotted. */
export interface Setting {
  path: string;
  schema: z.ZodType;
  description: string;
}

/** Every setting of a schema in the order it is written, groups opened. */
export function settingsOf(schema: z.ZodType, prefix = ''): Setting[] {
  return Object.entries(shapeOf(schema) ?? {}).flatMap(([key, inner]) => {
    const path = prefix + key;
    const below = shapeOf(inner);
    if (below && Object.keys(below).length > 0) return settingsOf(inner, `${path}.`);
    return [{ path, schema: inner, description: inner.description ?? '' }];
  });
}

/** What stands at a dotted path of a value. */
export function valueAt(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined), value);
}
