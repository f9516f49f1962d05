import { type MouseEvent, type ReactNode, useEffect, useRef } from 'react';
import { NOTHING, type Selection, toggle, togglePage } from '../lib/selection.ts';
import { t } from '../strings/index.ts';
import { Icon } from './icons.tsx';

export interface Column<Row> {
  key: string;
  label: string;
  /** What the list is sorted by for this column; without it, it cannot be. */
  sort?: string;
  show: (row: Row) => ReactNode;
  /** Numbers stand on the right. */
  numeric?: boolean;
}

interface TableProps<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  sort?: string | undefined;
  setSort?: ((sort: string) => void) | undefined;
  selection?: Selection;
  select?: (selection: Selection) => void;
  /** Newer rows are on their way. */
  busy?: boolean;
}

/** A list with headings that sort and boxes that choose; Shift chooses everything in between. */
export function Table<Row>(props: TableProps<Row>) {
  const { caption, columns, rows, keyOf, sort = '', setSort, selection = NOTHING, select, busy = false } = props;
  const keys = rows.map(keyOf);
  return (
    <div className="scroll stacked" aria-busy={busy}>
      <table className="list">
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {select && (
              <th scope="col" className="box">
                <AllBox keys={keys} selection={selection} select={select} />
              </th>
            )}
            {columns.map((column) => (
              <Heading key={column.key} column={column} sort={sort} setSort={setSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const key = keyOf(row);
            const chosen = selection.keys.has(key);
            const click = (event: MouseEvent) => select?.(toggle(selection, keys, key, event.shiftKey));
            return (
              <tr key={key} className={chosen ? 'chosen' : undefined}>
                {select && (
                  <td className="box">
                    <input
                      type="checkbox"
                      aria-label={t.list.choose(key)}
                      checked={chosen}
                      onClick={click}
                      onChange={() => {}}
                    />
                  </td>
                )}
                {columns.map(({ key: name, label, show, numeric }, at) =>
                  at === 0 ? (
                    <th key={name} scope="row">
                      {show(row)}
                    </th>
                  ) : (
                    <td key={name} data-label={label} className={numeric ? 'number' : undefined}>
                      {show(row)}
                    </td>
                  ),
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Heading<Row>({
  column: { label, sort: key, numeric },
  sort,
  setSort,
}: {
  column: Column<Row>;
  sort: string;
  setSort: ((sort: string) => void) | undefined;
}) {
  const className = numeric ? 'number' : undefined;
  if (!key || !setSort)
    return (
      <th scope="col" className={className}>
        {label}
      </th>
    );
  const direction = sort === key ? 'ascending' : sort === `-${key}` ? 'descending' : 'none';
  return (
    <th scope="col" aria-sort={direction} className={className}>
      <button type="button" className="sorter" onClick={() => setSort(direction === 'ascending' ? `-${key}` : key)}>
        {label}
        {direction !== 'none' && <Icon name={direction === 'ascending' ? 'up' : 'down'} />}
      </button>
    </th>
  );
}

function AllBox({
  keys,
  selection,
  select,
}: {
  keys: readonly string[];
  selection: Selection;
  select: (selection: Selection) => void;
}) {
  const ref = useRef<HTMLInputElement>(null);
  const chosen = keys.filter((key) => selection.keys.has(key)).length;
  const all = keys.length > 0 && chosen === keys.length;
  useEffect(() => {
    if (ref.current) ref.current.indeterminate = chosen > 0 && !all;
  }, [chosen, all]);
  return (
    <input
      ref={ref}
      type="checkbox"
      aria-label={t.list.choosePage}
      checked={all}
      onChange={() => select(togglePage(selection, keys))}
    />
  );
}
