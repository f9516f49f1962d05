import { readFileSync } from 'node:fs';

/** The packaged list: words and passwords that guessing starts with, lower case, one a line. */
export function readCommonPasswords(): ReadonlySet<string> {
  const text = readFileSync(new URL('../common-passwords.txt', import.meta.url), 'utf8');
  return new Set(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')));
}

const LOOKALIKES: Record<string, string> = {
  0: 'o',
  1: 'i',
  3: 'e',
  4: 'a',
  5: 's',
  7: 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};
const SEQUENCES = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890',
  'qwertyuiop',
  'qwertzuiop',
  'asdfghjkl',
  'zxcvbnm',
  'azertyuiop',
];
const NAME_LENGTH_THAT_MATTERS = 4;

/** Without what people put before and after a word to please a rule: `!!Dragon2026` is `dragon`. */
function stem(text: string): string {
  return text.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
}

const plain = (text: string) => text.replace(/[013457@$!]/g, (char) => LOOKALIKES[char] ?? char);

/** `aaaaaaaaaa`, `abcabcabcabc`: one short piece over and over. */
function isRepeated(text: string): boolean {
  return /^(.{1,4})\1+.{0,3}$/u.test(text) && new Set(text).size <= 5;
}

/** Made of runs along the alphabet, the digits or a keyboard row, in either direction. */
function isSequence(text: string): boolean {
  const rows = SEQUENCES.flatMap((row) => [row, [...row].reverse().join('')]);
  let rest = text;
  while (rest !== '') {
    let run = Math.min(rest.length, 26);
    while (run >= 3 && !rows.some((row) => row.includes(rest.slice(0, run)))) run -= 1;
    if (run < 3) return rest.length <= 2 && rest !== text;
    rest = rest.slice(run);
  }
  return true;
}

/** What is wrong with a password in one plain sentence, or null. Says nothing about which rule an attacker would use. */
export function weakness(
  name: string,
  password: string,
  { minLength, common }: { minLength: number; common: ReadonlySet<string> },
): string | null {
  const text = password.normalize('NFKC');
  if ([...text].length < minLength) return `Use at least ${minLength} characters. A few unrelated words work well.`;
  if (text.length > 1024) return 'Use at most 1,024 characters.';
  const lower = text.toLowerCase();
  const who = name.toLowerCase();
  if (who.length >= NAME_LENGTH_THAT_MATTERS ? lower.includes(who) : stem(lower) === who) {
    return 'Leave your user name out of the password.';
  }
  const forms = [lower, plain(lower), stem(lower), stem(plain(lower)), plain(stem(lower))];
  if (forms.some((form) => common.has(form) || common.has(form.replace(/[\s._-]+/g, '')))) {
    return 'This password is one of the first that is guessed. Use a few unrelated words instead.';
  }
  if (isRepeated(lower) || isSequence(lower))
    return 'Repetitions and rows of keys are guessed first. Use a few unrelated words.';
  return null;
}
