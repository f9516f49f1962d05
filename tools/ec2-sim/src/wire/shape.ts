import * as sdk from '@aws-sdk/client-ec2';
import { NormalizedSchema } from '@smithy/core/schema';

/**
 * The form of a value on the wire, taken from the service model that the SDK carries: what the simulator reads and
 * writes cannot differ in names from what a real client sends and expects.
 */
export interface Shape {
  kind: 'struct' | 'list' | 'string' | 'number' | 'boolean' | 'time' | 'blob';
  members: Member[];
  /** Members by their name in a query string. */
  byQuery: Map<string, Member>;
  /** Of a list: what it holds, and the element around each item. */
  item?: Shape;
  itemName: string;
  flat: boolean;
}

export interface Member {
  name: string;
  query: string;
  xml: string;
  shape: Shape;
}

export interface Operation {
  name: string;
  input: Shape;
  output: Shape;
}

const operations = new Map<string, Operation | undefined>();

/** The operation of EC2's model with this name, if AWS has one. */
export function operationNamed(name: string): Operation | undefined {
  if (!operations.has(name)) {
    const schema: unknown = /^[A-Z][A-Za-z0-9]+$/.test(name) ? Reflect.get(sdk, `${name}$`) : undefined;
    const isOperation = Array.isArray(schema) && schema[0] === 9;
    operations.set(
      name,
      isOperation
        ? { name, input: shapeOf(NormalizedSchema.of(schema[4])), output: shapeOf(NormalizedSchema.of(schema[5])) }
        : undefined,
    );
  }
  return operations.get(name);
}

const structs = new Map<unknown, Shape>();

function shapeOf(schema: NormalizedSchema): Shape {
  const shape: Shape = { kind: 'string', members: [], byQuery: new Map(), itemName: 'member', flat: false };
  if (schema.isUnitSchema()) return { ...shape, kind: 'struct' };
  if (schema.isListSchema()) {
    const item = schema.getValueSchema();
    shape.kind = 'list';
    shape.flat = Boolean(schema.getMergedTraits().xmlFlattened);
    shape.itemName = String(item.getMergedTraits().xmlName ?? 'member');
    shape.item = shapeOf(item);
  } else if (schema.isStructSchema()) {
    const known = structs.get(schema.getSchema());
    if (known) return known;
    structs.set(schema.getSchema(), shape);
    shape.kind = 'struct';
    for (const [name, member] of schema.structIterator()) {
      const traits = member.getMergedTraits();
      const key = String(traits.xmlName ?? name);
      const query = String(traits.ec2QueryName ?? key[0]!.toUpperCase() + key.slice(1));
      const made = { name, query, xml: String(member.getMemberTraits().xmlName ?? name), shape: shapeOf(member) };
      shape.members.push(made);
      shape.byQuery.set(query, made);
    }
  } else if (schema.isTimestampSchema()) shape.kind = 'time';
  else if (schema.isBlobSchema()) shape.kind = 'blob';
  else if (schema.isBooleanSchema()) shape.kind = 'boolean';
  else if (schema.isNumericSchema()) shape.kind = 'number';
  return shape;
}
