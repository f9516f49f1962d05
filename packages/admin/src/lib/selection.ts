/** Rows that are chosen, and the one from which a range goes. */
export interface Selection {
  readonly keys: ReadonlySet<string>;
  readonly anchor: string | undefined;
}

export const NOTHING: Selection = { keys: new Set(), anchor: undefined };

/** One row, or with `range` every row from the anchor to it, gets what this row would have got. */
export function toggle(selection: Selection, rows: readonly string[], key: string, range: boolean): Selection {
  const on = !selection.keys.has(key);
  const from = range && selection.anchor !== undefined ? rows.indexOf(selection.anchor) : -1;
  const to = rows.indexOf(key);
  const keys = new Set(selection.keys);
  const changed = from === -1 || to === -1 ? [key] : rows.slice(Math.min(from, to), Math.max(from, to) + 1);
  for (const each of changed) {
    if (on) keys.add(each);
    else keys.delete(each);
  }
  return { keys, anchor: key };
}

/** All rows of this page, or none of them when all are chosen. */
export function togglePage(selection: Selection, rows: readonly string[]): Selection {
  const all = rows.length > 0 && rows.every((key) => selection.keys.has(key));
  const keys = new Set(selection.keys);
  for (const key of rows) {
    if (all) keys.delete(key);
    else keys.add(key);
  }
  return { keys, anchor: undefined };
}
