/** Edits between two words: insert, delete, replace, or two neighbours swapped. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** The known word that was most likely meant; undefined when none is close. Upper and lower case read the same. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const given = word.toLowerCase();
  let best: string | undefined;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const lower = candidate.toLowerCase();
    // A beginning or an end left out is a typical slip (`limit` for `activeLimit`), though many letters apart.
    const part = given.length >= 3 && (lower.startsWith(given) || lower.endsWith(given) || given.startsWith(lower));
    const edits = Math.min(distance(given, lower), part ? 2 : Number.POSITIVE_INFINITY);
    if (edits < least) [best, least] = [candidate, edits];
  }
  return best;
}
