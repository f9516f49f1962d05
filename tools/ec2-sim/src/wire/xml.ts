import type { Shape } from './shape.ts';

const NAMESPACE = 'http://ec2.amazonaws.com/doc/2016-11-15/';

/** The answer of an EC2 action as XML. `output` is in the SDK's names. */
export function writeAnswer(action: string, output: object, shape: Shape, requestId: string): string {
  const body = shape.members.length === 0 ? '<return>true</return>' : writeMembers(output, shape);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="${NAMESPACE}"><requestId>${requestId}</requestId>${body}</${action}Response>`;
}

/** An EC2 error as XML. */
export function writeError(code: string, message: string, requestId: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error></Errors><RequestID>${requestId}</RequestID></Response>`;
}

function writeMembers(value: object, shape: Shape): string {
  let xml = '';
  const record = value as Record<string, unknown>;
  for (const member of shape.members) {
    const item = record[member.name];
    if (item !== undefined && item !== null) xml += writeValue(item, member.shape, member.xml);
  }
  return xml;
}

function writeValue(value: unknown, shape: Shape, name: string): string {
  switch (shape.kind) {
    case 'struct':
      return `<${name}>${writeMembers(value as object, shape)}</${name}>`;
    case 'list': {
      let items = '';
      for (const item of value as unknown[]) items += writeValue(item, shape.item!, shape.flat ? name : shape.itemName);
      return shape.flat ? items : `<${name}>${items}</${name}>`;
    }
    case 'time':
      return `<${name}>${(value as Date).toISOString()}</${name}>`;
    case 'blob':
      return `<${name}>${Buffer.from(value as Uint8Array).toString('base64')}</${name}>`;
    case 'string':
      return `<${name}>${escapeXml(String(value))}</${name}>`;
    default:
      return `<${name}>${String(value)}</${name}>`;
  }
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

// biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 cannot carry them in any form.
const SPECIAL = /[&<>"'\u0000-\u0008\u000b\u000c\u000e-\u001f]/;
const ALL_SPECIAL = new RegExp(SPECIAL, 'g');

/** Text between tags; what XML cannot carry at all is left out. */
export function escapeXml(text: string): string {
  return SPECIAL.test(text) ? text.replace(ALL_SPECIAL, (c) => ENTITIES[c] ?? '') : text;
}
