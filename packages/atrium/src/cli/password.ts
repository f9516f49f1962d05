import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { CommandError, UsageError } from './command.ts';

/** A password from standard input, for scripts: everything up to the end, without the last line end. */
export async function passwordFromInput(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) text += chunk;
  const password = text.replace(/\r?\n$/, '');
  if (password === '') throw new UsageError('--password-stdin: standard input is empty');
  return password;
}

/** Asks for a password twice, without showing it. */
export async function askPassword(name: string): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new UsageError('There is no terminal to ask on. Give the password with --password-stdin.');
  }
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: hidden, terminal: true });
  const ask = async (question: string) => {
    process.stderr.write(question);
    const given = await reader.question('');
    process.stderr.write('\n');
    return given;
  };
  try {
    const first = await ask(`New password for ${name}: `);
    if ((await ask('The same again: ')) !== first) throw new CommandError('They differ; nothing is changed.');
    return first;
  } finally {
    reader.close();
  }
}
