/** Begins a formula in a spreadsheet. */
const FORMULA = /^[=+\-@\t\r]/;

/** One cell: quoted where needed, and never taken for a formula by a spreadsheet. */
function cell(value: string): string {
  if (FORMULA.test(value)) return `"'${value.replaceAll('"', '""')}"`;
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** A CSV file (RFC 4180), written as the hub writes its own. */
export const csvText = (rows: readonly (readonly string[])[]): string =>
  rows.map((cells) => `${cells.map(cell).join(',')}\r\n`).join('');
