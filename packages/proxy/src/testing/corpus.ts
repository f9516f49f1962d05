import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The corpus of the proxy's parsers; its README says how it is written. */
export const CORPUS = fileURLToPath(new URL('../../corpus', import.meta.url));

/** One case: bytes, why they are there, and what becomes of them. */
export interface Case {
  name: string;
  why: string;
  /** Words behind `gets`. */
  gets: string[];
  /** Words behind `but <program>`, by program: what that one as next hop does otherwise. */
  but: Record<string, string>;
  /** `HEAD` where the answer is to that, else `GET`; of answers only. */
  asked: 'GET' | 'HEAD';
  bytes: Buffer;
}

/** Every case of a kind, file by file. Throws with the place of what is not written as the README says. */
export function readCorpus(kind: 'requests' | 'responses'): Case[] {
  const dir = join(CORPUS, kind);
  const names = new Set<string>();
  return readdirSync(dir)
    .filter((file) => file.endsWith('.txt'))
    .toSorted()
    .flatMap((file) => parseCases(readFileSync(join(dir, file), 'utf8'), `${kind}/${file}`))
    .map((one) => {
      if (names.has(one.name)) throw new Error(`corpus/${kind} has two cases named "${one.name}"`);
      names.add(one.name);
      return one;
    });
}

/** @param place for messages */
export function parseCases(text: string, place: string): Case[] {
  const [before, ...parts] = `\n${text}`.split('\n=== ');
  if (before!.split('\n').some((line) => line !== '' && !line.startsWith('#'))) {
    throw new Error(`${place}: only lines with # may stand before the first ===`);
  }
  return parts.map((part) => {
    const [name, ...lines] = part.split('\n');
    const one: Case = { name: name!, why: '', gets: [], but: {}, asked: 'GET', bytes: Buffer.alloc(0) };
    let at = 0;
    for (; at < lines.length; at++) {
      const [, word, rest] = /^(why|gets|but|asked) (.+)$/.exec(lines[at]!) ?? [];
      if (word === undefined) break;
      if (word === 'why') one.why = rest!;
      else if (word === 'gets') one.gets = rest!.split(' ');
      else if (word === 'asked') one.asked = rest === 'HEAD' ? 'HEAD' : 'GET';
      else {
        const space = rest!.indexOf(' ');
        one.but[rest!.slice(0, space)] = rest!.slice(space + 1);
      }
    }
    if (one.why === '' || one.gets.length === 0) throw new Error(`${place}: "${name}" needs a line "why" and "gets"`);
    one.bytes = Buffer.from(bytesOf(lines.slice(at).join(''), `${place}: "${name}"`), 'latin1');
    return one;
  });
}

const ESCAPES: Record<string, string> = { r: '\r', n: '\n', t: '\t', 0: '\0', '\\': '\\' };

function bytesOf(text: string, place: string): string {
  if (/[^ -~]/.test(text)) throw new Error(`${place}: only printable ASCII; other bytes are written \\xHH`);
  return text.replace(/\\(?:([rnt0\\])|x([0-9a-f]{2})|\{([0-9]+)\*([^}]*)\}|)/g, (all, letter, hex, count, again) => {
    if (letter !== undefined) return ESCAPES[letter]!;
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (count !== undefined) return bytesOf(again, place).repeat(Number(count));
    throw new Error(`${place}: a backslash that begins nothing, at ${all}`);
  });
}

/** Bytes as the corpus writes them, a line each. */
export function written(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/\\/g, '\\\\')
    .replace(/[^ -~]/g, (char) => {
      if (char === '\r') return '\\r';
      if (char === '\n') return '\\n';
      if (char === '\t') return '\\t';
      return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
    })
    .replace(/\\n(?!$)/g, '\\n\n')
    .replace(/ $/gm, '\\x20');
}
