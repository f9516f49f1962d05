import { ApiError } from '../errors.ts';
import type { Shape } from './shape.ts';

interface Branch {
  value?: string;
  children?: Map<string, Branch>;
}

/** A parsed request: the value in the SDK's names, every path that was set (indices left out), and what AWS does not know. */
export interface ParsedForm {
  input: Record<string, unknown>;
  paths: Set<string>;
  unknown: string[];
}

/** Reads a query-protocol body. Throws ApiError on a value that is not of its type. */
export function parseForm(fields: Iterable<[string, string]>, shape: Shape): ParsedForm {
  const root: Branch = {};
  for (const [key, value] of fields) {
    if (key === 'Action' || key === 'Version') continue;
    let branch = root;
    for (const part of key.split('.')) {
      branch.children ??= new Map();
      let next = branch.children.get(part);
      if (!next) {
        next = {};
        branch.children.set(part, next);
      }
      branch = next;
    }
    branch.value = value;
  }
  const parsed: ParsedForm = { input: {}, paths: new Set(), unknown: [] };
  parsed.input = readStruct(root, shape, '', parsed);
  return parsed;
}

function readStruct(branch: Branch, shape: Shape, path: string, parsed: ParsedForm): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [query, child] of branch.children ?? []) {
    const member = shape.byQuery.get(query);
    const here = path ? `${path}.${member?.name ?? query}` : (member?.name ?? query);
    if (!member) parsed.unknown.push(here);
    else out[member.name] = read(child, member.shape, here, parsed);
  }
  return out;
}

function read(branch: Branch, shape: Shape, path: string, parsed: ParsedForm): unknown {
  if (shape.kind === 'struct') return readStruct(branch, shape, path, parsed);
  if (shape.kind === 'list') {
    const items = [...(branch.children ?? [])].map(([index, child]) => {
      if (!/^[1-9]\d*$/.test(index)) parsed.unknown.push(`${path}.${index}`);
      return [Number(index), child] as const;
    });
    items.sort((a, b) => a[0] - b[0]);
    return items.map(([, child]) => read(child, shape.item!, path, parsed));
  }
  if (branch.value === undefined) {
    parsed.unknown.push(path);
    return undefined;
  }
  parsed.paths.add(path);
  return readScalar(branch.value, shape, path);
}

function readScalar(value: string, shape: Shape, path: string): unknown {
  const wrong = () => new ApiError('InvalidParameterValue', `Value (${value}) for parameter ${path} is invalid.`);
  switch (shape.kind) {
    case 'number': {
      const number = Number(value);
      if (value === '' || !Number.isFinite(number)) throw wrong();
      return number;
    }
    case 'boolean':
      if (value !== 'true' && value !== 'false') throw wrong();
      return value === 'true';
    case 'time': {
      const time = new Date(value);
      if (Number.isNaN(time.getTime())) throw wrong();
      return time;
    }
    case 'blob':
      return new Uint8Array(Buffer.from(value, 'base64'));
    default:
      return value;
  }
}
