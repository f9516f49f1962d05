import { createInterface } from 'node:readline/promises';
import { CommandError } from './command.ts';

/**
 * Asks a question at the terminal.
 * @throws CommandError when there is no terminal to ask on, or the answer is not yes.
 */
export async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY) throw new CommandError('There is no terminal to ask on. If that is meant, add --yes.');
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = (await reader.question(`${question} [y/N] `)).trim().toLowerCase();
    if (answer !== 'y' && answer !== 'yes') throw new CommandError('Nothing is changed.');
  } finally {
    reader.close();
  }
}
