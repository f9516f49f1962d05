import { z } from 'zod';

type Json = Record<string, unknown>;

/** The schemas of the document: one with a title stands in `components` and is referred to. */
export class Components {
  readonly schemas: Record<string, Json> = {};

  /** `input` is what may be sent, `output` what is answered: they differ where something has a default. */
  of(schema: z.ZodType, io: 'input' | 'output'): Json {
    const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' });
    return this.#hoist(json) as Json;
  }

  #hoist(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#hoist(each));
    if (typeof value !== 'object' || value === null) return value;
    const inner = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.#hoist(each)]));
    // A property may be called `title`, too; then it is a schema and no text.
    const { title } = inner;
    return typeof title === 'string' ? { $ref: `#/components/schemas/${this.#put(title, inner)}` } : inner;
  }

  /** The name it has there: one of its own for another schema of the same title. */
  #put(title: string, schema: Json): string {
    for (let number = 1; ; number++) {
      const name = number === 1 ? title : `${title}${number}`;
      const known = this.schemas[name];
      if (known === undefined) this.schemas[name] = schema;
      else if (JSON.stringify(known) !== JSON.stringify(schema)) continue;
      return name;
    }
  }
}
