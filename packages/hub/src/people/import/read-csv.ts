/** One record: where it begins in the file, 1 first, and its cells as they stand there. */
export interface CsvRecord {
  line: number;
  cells: string[];
}

export interface CsvProblem {
  line: number;
  message: string;
}

export type Delimiter = ',' | ';' | '\t';

export interface CsvFile {
  delimiter: Delimiter;
  records: CsvRecord[];
  problems: CsvProblem[];
}

const DELIMITERS: readonly Delimiter[] = [',', ';', '\t'];

/** What stands most often in the first line, outside of quotes: spreadsheets of different countries write different ones. */
function delimiterOf(text: string): Delimiter {
  const first = (/^(?:"[^"]*"|[^"\r\n])*/.exec(text)?.[0] ?? '').replace(/"[^"]*"/g, '');
  const count = (delimiter: string) => first.split(delimiter).length;
  return DELIMITERS.reduce((best, one) => (count(one) > count(best) ? one : best));
}

/**
 * Reads a table (RFC 4180): cells in quotes may hold anything, two quotes in them are one; any kind of line end; a byte
 * order mark is left out, and so are empty lines.
 */
export function readCsv(source: string): CsvFile {
  const text = source.replace(/^\uFEFF/, '');
  const delimiter = delimiterOf(text);
  const records: CsvRecord[] = [];
  const problems: CsvProblem[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const record: CsvRecord = { line, cells: [] };
    for (let more = true; more; ) {
      const { cell, end, lines, problem } = readCell(text, at, delimiter);
      record.cells.push(cell);
      if (problem !== undefined) problems.push({ line: record.line, message: problem });
      line += lines;
      at = end;
      more = text[at] === delimiter;
      if (more) at += 1;
    }
    if (text.startsWith('\r\n', at)) at += 2;
    else at += 1;
    line += 1;
    if (record.cells.length > 1 || record.cells[0]?.trim() !== '') records.push(record);
  }
  return { delimiter, records, problems };
}

interface Cell {
  cell: string;
  /** Where it stopped: at a delimiter, a line end, or the end of everything. */
  end: number;
  /** Line ends in it. */
  lines: number;
  problem?: string;
}

function readCell(text: string, from: number, delimiter: Delimiter): Cell {
  const isEnd = (at: number) => at >= text.length || text[at] === delimiter || text[at] === '\n' || text[at] === '\r';
  if (text[from] !== '"') {
    let end = from;
    while (!isEnd(end)) end += 1;
    return { cell: text.slice(from, end).trim(), end, lines: 0 };
  }
  let cell = '';
  let at = from + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote === -1) {
      const cell = text.slice(from + 1);
      return { cell, end: text.length, lines: linesIn(cell), problem: 'A quote is opened here and never closed.' };
    }
    cell += text.slice(at, quote);
    at = quote + 1;
    if (text[at] !== '"') break;
    cell += '"';
    at += 1;
  }
  const lines = linesIn(text.slice(from, at));
  let end = at;
  while (!isEnd(end)) end += 1;
  const rest = text.slice(at, end).trim();
  return rest === ''
    ? { cell, end, lines }
    : { cell, end, lines, problem: `"${rest.slice(0, 40)}" stands after a closing quote.` };
}

const linesIn = (text: string) => (text.match(/\r\n|\r|\n/g) ?? []).length;

/** As somebody wrote it: a spreadsheet's guard against formulas, which our own files have, too, is taken off. */
export function plainCell(cell: string): string {
  return /^'[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell;
}
