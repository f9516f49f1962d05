import { constants } from 'node:fs';
import { access, open, realpath } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { isSingleUser } from './environment.ts';

const MAX_SCRIPT_BYTES = 65_536;

/** A Python program as the kernel would start it. */
export interface PythonScript {
  /** The interpreter and the one argument that the script's first line may give it. */
  interpreter: string[];
  /** The script, as the command names it. */
  script: string;
}

/**
 * What the kernel makes of a command that is a Python script: the first line of the file says it. Undefined when the
 * command is anything else; then it cannot be started warm.
 */
export async function pythonScript(command: readonly string[], path: string): Promise<PythonScript | undefined> {
  if (!isSingleUser(command)) return undefined;
  const script = await find(command[0] ?? '', path);
  const text = script && (await readText(script).catch(() => undefined));
  if (!script || !text) return undefined;
  const [first = '', second = ''] = text.split('\n', 2);
  // pip writes a shell's line where the path of the interpreter is too long for the kernel, or has blanks.
  const through = first === '#!/bin/sh' ? /^'''exec' "?([^"]+?)"? "\$0" "\$@"$/.exec(second)?.[1] : undefined;
  const words = through ? [through] : (/^#!\s*(\S+)(?:\s+(.*\S))?\s*$/.exec(first)?.slice(1).filter(Boolean) ?? []);
  const [interpreter = '', argument] = words as string[];
  if (!isAbsolute(interpreter) || !/^python[\d.]*$/.test(interpreter.split('/').at(-1) ?? '')) return undefined;
  // `-I` and the like decide what is read from where; what else one could write here decides more.
  if (argument !== undefined && !/^-[EIsuB]+$/.test(argument)) return undefined;
  return { interpreter: [interpreter, ...(argument ? [argument] : [])], script };
}

/** A small plain file; as root, the path of anything else could have been given by somebody who means harm. */
async function readText(path: string): Promise<string | undefined> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const found = await file.stat();
  return found.isFile() && found.size < MAX_SCRIPT_BYTES ? file.readFile('utf8') : undefined;
}

/** As `execvp` looks for a program. */
async function find(program: string, path: string): Promise<string | undefined> {
  if (program.includes('/')) return isAbsolute(program) ? program : undefined;
  for (const folder of path.split(':')) {
    const file = join(folder, program);
    const there = await access(file).then(
      () => true,
      () => false,
    );
    if (there) return file;
  }
  return undefined;
}

/** Where an interpreter's own files lie: `<prefix>/bin/python` → `<prefix>`, of the environment and of what it was made from. */
export async function prefixesOf(interpreter: string): Promise<string[]> {
  const real = await realpath(interpreter);
  return [...new Set([interpreter, real].map((file) => join(file, '..', '..')))];
}
