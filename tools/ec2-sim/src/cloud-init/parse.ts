import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';

/** One entry of `write_files`. */
export interface WrittenFile {
  path: string;
  content: Buffer;
  /** `user:group`. */
  owner?: string;
  mode: number;
  append: boolean;
  /** Written after all others. */
  defer: boolean;
}

/** What user data asks for at the first boot. */
export interface UserData {
  files: WrittenFile[];
  /** An argv, or one line for `sh`. */
  commands: (string | string[])[];
  /** `power_state`: off when everything was carried out, if this command succeeds. */
  powerOff?: { condition: string };
}

const KEYS = new Set(['write_files', 'runcmd', 'power_state']);
const FILE_KEYS = new Set(['path', 'content', 'owner', 'permissions', 'encoding', 'append', 'defer']);

/**
 * Reads user data: `#cloud-config` with `write_files` and `runcmd`, or one script. Anything else that cloud-init knows
 * is refused, so that a test never passes on something that was left out. @throws Error that names what is wrong.
 */
export function parseUserData(text: string): UserData {
  if (text.startsWith('#!')) {
    const script = { path: '/var/lib/cloud/instance/scripts/part-001', content: Buffer.from(text) };
    return {
      files: [{ ...script, mode: 0o755, append: false, defer: false }],
      commands: [[script.path]],
    };
  }
  if (!/^#cloud-config\s*\n/.test(text)) throw new Error('The user data is neither #cloud-config nor a script');
  const document = (parse(text) ?? {}) as Record<string, unknown>;
  if (typeof document !== 'object' || Array.isArray(document)) throw new Error('The cloud-config is not a mapping');
  const unknown = Object.keys(document).find((key) => !KEYS.has(key));
  if (unknown !== undefined) throw new Error(`The simulator does not carry out "${unknown}" of a cloud-config`);
  const powerOff = powerStateOf(document.power_state);
  return {
    files: listOf(document.write_files).map(fileOf),
    commands: listOf(document.runcmd).map(commandOf),
    ...(powerOff ? { powerOff } : {}),
  };
}

function listOf(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error('write_files and runcmd of a cloud-config are lists');
  return value;
}

const POWER_KEYS = new Set(['mode', 'timeout', 'delay', 'message', 'condition']);

function powerStateOf(value: unknown): UserData['powerOff'] {
  if (value === undefined || value === null) return undefined;
  const { mode, condition = true, ...rest } = value as Record<string, unknown>;
  const unknown = Object.keys(rest).find((key) => !POWER_KEYS.has(key));
  if (unknown !== undefined) throw new Error(`The simulator does not know "${unknown}" of power_state`);
  if (mode !== 'poweroff')
    throw new Error(`The simulator carries out power_state with mode poweroff, not ${String(mode)}`);
  if (typeof condition !== 'string' && typeof condition !== 'boolean')
    throw new Error('The condition of power_state is a command or true or false');
  return { condition: typeof condition === 'string' ? condition : String(condition) };
}

function fileOf(value: unknown): WrittenFile {
  const file = value as Record<string, unknown>;
  const path = file?.path;
  if (typeof path !== 'string' || !path.startsWith('/') || path.split('/').includes('..'))
    throw new Error(`A file of write_files needs an absolute path, not ${JSON.stringify(path)}`);
  const unknown = Object.keys(file).find((key) => !FILE_KEYS.has(key));
  if (unknown !== undefined) throw new Error(`The simulator does not know "${unknown}" of write_files (${path})`);
  // YAML 1.1 reads an unquoted 0644 as a number in octal; cloud-init wants text.
  if (file.permissions !== undefined && typeof file.permissions !== 'string')
    throw new Error(`The permissions of ${path} must be quoted`);
  const mode = Number.parseInt((file.permissions as string | undefined) ?? '0644', 8);
  if (!(mode >= 0 && mode <= 0o7777)) throw new Error(`The permissions of ${path} are not octal`);
  return {
    path,
    content: contentOf(String(file.content ?? ''), String(file.encoding ?? 'text/plain'), path),
    ...(file.owner === undefined ? {} : { owner: String(file.owner) }),
    mode,
    append: file.append === true,
    defer: file.defer === true,
  };
}

function contentOf(text: string, encoding: string, path: string): Buffer {
  const parts = encoding.toLowerCase().split('+');
  const base64 = parts.some((part) => part === 'b64' || part === 'base64');
  const zipped = parts.some((part) => part === 'gz' || part === 'gzip');
  if (!base64 && !zipped && encoding !== 'text/plain')
    throw new Error(`The encoding ${encoding} of ${path} is not known`);
  const bytes = Buffer.from(text, base64 ? 'base64' : 'utf8');
  return zipped ? gunzipSync(bytes) : bytes;
}

function commandOf(value: unknown): string | string[] {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.length > 0) return value.map(String);
  throw new Error(`A command of runcmd is a line or a list, not ${JSON.stringify(value)}`);
}
