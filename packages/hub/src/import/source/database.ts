/** A row as the database has it: SQLite's numbers and bytes, PostgreSQL's text. `cells.ts` reads both. */
export type Row = Readonly<Record<string, unknown>>;

/** A JupyterHub's database, open for reading: everything is read as it was at one moment. */
export interface SourceDatabase extends AsyncDisposable {
  /** Names of all tables. */
  tables(): Promise<string[]>;
  /** Every row, in any order. */
  rows(table: string): Promise<Row[]>;
  count(table: string): Promise<number>;
}
