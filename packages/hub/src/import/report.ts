/** What becomes of one table of the other hub. Everything that is not simply taken is there by name. */
export interface TableReport {
  table: string;
  found: number;
  taken: number;
  /** Here already: by an earlier import, or of the same name. */
  there: number;
  /** Taken, but not quite as it was. */
  changed: Remark[];
  skipped: Remark[];
}

/** Several of one reason stand together. */
export interface Remark {
  why: string;
  names: string[];
}

export interface ImportReport {
  /** False for a rehearsal, which leaves nothing behind. */
  applied: boolean;
  from: string;
  /** Of the other hub: `4`, `5` or `6`. */
  version: string;
  tables: TableReport[];
  /** What a person has to do. */
  todo: string[];
}

/** Counts one table while it is gone through. */
export class TableCount {
  readonly table: string;
  readonly #found: number;
  #taken = 0;
  #there = 0;
  readonly #changed = new Map<string, string[]>();
  readonly #skipped = new Map<string, string[]>();

  constructor(table: string, found: number) {
    this.table = table;
    this.#found = found;
  }

  take(): void {
    this.#taken += 1;
  }

  /** It is here. `how` says what differs, if anything. */
  there(name: string, how?: string): void {
    this.#there += 1;
    if (how !== undefined) this.change(name, how);
  }

  change(name: string, why: string): void {
    put(this.#changed, why, name);
  }

  skip(name: string, why: string): void {
    put(this.#skipped, why, name);
  }

  report(): TableReport {
    const remarks = (map: ReadonlyMap<string, string[]>) => [...map].map(([why, names]) => ({ why, names }));
    return {
      table: this.table,
      found: this.#found,
      taken: this.#taken,
      there: this.#there,
      changed: remarks(this.#changed),
      skipped: remarks(this.#skipped),
    };
  }
}

function put(map: Map<string, string[]>, why: string, name: string): void {
  const names = map.get(why);
  if (names) names.push(name);
  else map.set(why, [name]);
}
