import { stripVTControlCharacters } from 'node:util';

/** Text for a terminal: what people's programs wrote may hold sequences that command the terminal of whoever reads it. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/[^\P{Cc}\n\t]/gu, '');
}
