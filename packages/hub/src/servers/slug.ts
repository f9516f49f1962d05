import { createHash } from 'node:crypto';

/** The longest name of a server (contract §10.1), and what of it tells texts apart that look the same without their accents. */
const LONGEST = 30;
const HASH = 8;

/**
 * The name of a server that somebody calls by any text: the text itself when it is plain, else what is left of it and a
 * hash, so that two texts never are one server (contract §5.5).
 */
export function serverSlug(text: string): string {
  if (text.length <= LONGEST && /^[a-z][a-z0-9]*$/.test(text)) return text;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, HASH);
  return `${plainPart(text, LONGEST - HASH - 1)}-${hash}`;
}

function plainPart(text: string, longest: number): string {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, longest);
  const begins = plain === '' || /^[a-z]/.test(plain) ? plain : `x-${plain.slice(0, longest - 2)}`;
  return begins.replace(/-$/, '') || 'x';
}
