import { validGroupName } from '../../groups/groups.service.ts';
import { normaliseUserName, validUserName } from '../../users/users.service.ts';
import { type CsvFile, type CsvRecord, plainCell, readCsv } from './read-csv.ts';

/** One line's wish. */
export interface WantedPerson {
  line: number;
  name: string;
  groups: string[];
  /** Null: as it is. */
  admin: boolean | null;
}

export interface LineProblem {
  line: number;
  column: string | null;
  message: string;
}

export interface PeopleFile {
  delimiter: CsvFile['delimiter'];
  /** As the first line names them. */
  columns: string[];
  /** Those that an import does not change. */
  ignored: string[];
  people: WantedPerson[];
  problems: LineProblem[];
}

/** One transaction makes them all, and other changes wait for it. */
export const MOST_LINES = 5_000;

const MEANINGS: Readonly<Record<string, Column>> = {
  name: 'name',
  username: 'name',
  user: 'name',
  login: 'name',
  groups: 'groups',
  group: 'groups',
  admin: 'admin',
};
type Column = 'name' | 'groups' | 'admin';
/** Our own list has them, and they are not for anybody to write. */
const IGNORED = new Set(['created', 'last_activity', 'servers', 'roles', 'blocked', 'waiting']);

const YES = new Set(['yes', 'y', 'true', '1', 'x', 'ja', 'oui', 'sí', 'si', 'wahr']);
const NO = new Set(['no', 'n', 'false', '0', 'nein', 'non', 'falsch']);

/** Who is in a file, and what is wrong with it, line by line. Asks nobody who is there already. */
export function readPeople(text: string, accepts = validUserName): PeopleFile {
  const { delimiter, records, problems: broken } = readCsv(text);
  const problems: LineProblem[] = broken.map((each) => ({ ...each, column: null }));
  const [head, ...rows] = records;
  const columns = (head?.cells ?? []).map((cell) => plainCell(cell).trim());
  const meant = columns.map((column) => meaningOf(column));
  const line = head?.line ?? 1;
  const say = (column: string | null, message: string) => problems.push({ line, column, message });
  if (!head) say(null, 'There is nothing in the file.');
  else if (!meant.includes('name')) say(null, 'The first line must name the columns, and one of them must be “name”.');
  for (const [at, column] of columns.entries()) {
    if (meant[at] === undefined && !IGNORED.has(column.toLowerCase())) {
      say(column, `There is no column “${column}”. Columns are name, groups and admin.`);
    } else if (meant[at] !== undefined && meant.indexOf(meant[at]) !== at) say(column, `“${column}” is there twice.`);
  }
  if (rows.length > MOST_LINES) say(null, `There are ${rows.length} lines; at most ${MOST_LINES} at a time.`);
  const usable = problems.length === broken.length && head !== undefined;
  const people = usable ? readRows(rows, columns, meant, problems, accepts) : [];
  return {
    delimiter,
    columns,
    ignored: columns.filter((column) => IGNORED.has(column.toLowerCase())),
    people,
    problems: problems.sort((a, b) => a.line - b.line),
  };
}

const meaningOf = (column: string): Column | undefined =>
  Object.hasOwn(MEANINGS, column.toLowerCase()) ? MEANINGS[column.toLowerCase()] : undefined;

function readRows(
  rows: readonly CsvRecord[],
  columns: readonly string[],
  meant: readonly (Column | undefined)[],
  problems: LineProblem[],
  accepts: (name: string) => boolean,
): WantedPerson[] {
  const bad = new Set(problems.map(({ line }) => line));
  const first = new Map<string, number>();
  return rows.flatMap(({ line, cells }) => {
    // Whatever a broken line seems to say is no use to anybody.
    if (bad.has(line)) return [];
    const before = problems.length;
    const say = (column: string | null, message: string) => problems.push({ line, column, message });
    if (cells.length > columns.length) {
      say(null, `There are ${cells.length} cells and only ${columns.length} columns. Is something missing its quotes?`);
    }
    const cell = (column: Column) => {
      const at = meant.indexOf(column);
      return at === -1 ? '' : plainCell(cells[at] ?? '').trim();
    };
    const name = normaliseUserName(cell('name'));
    const known = first.get(name);
    if (name === '') say('name', 'The name is missing.');
    else if (!validUserName(name))
      say('name', `“${name}” cannot be a name: no slash, no control characters, not only dots.`);
    else if (!accepts(name)) say('name', `“${name}” cannot be a name here: it does not fit usernamePattern.`);
    else if (known !== undefined) say('name', `“${name}” stands in line ${known}, too.`);
    else first.set(name, line);
    const groups = [
      ...new Set(
        cell('groups')
          .split(/[;,|]/)
          .map((group) => group.trim())
          .filter(Boolean),
      ),
    ];
    for (const group of groups) if (!validGroupName(group)) say('groups', `“${group}” cannot be the name of a group.`);
    const admin = readYes(cell('admin'));
    if (admin === undefined) say('admin', `“${cell('admin')}” is neither yes nor no.`);
    return problems.length > before ? [] : [{ line, name, groups, admin: admin ?? null }];
  });
}

/** Null for an empty cell; undefined for neither. */
function readYes(text: string): boolean | null | undefined {
  const word = text.toLowerCase();
  if (word === '') return null;
  return YES.has(word) ? true : NO.has(word) ? false : undefined;
}
