import type { ImportAnswer } from '../api/types.ts';
import { csvText } from '../lib/csv.ts';
import { count } from '../lib/format.ts';
import { pathTo, ViewLink } from '../lib/router.tsx';
import { saveFile } from '../lib/save-file.ts';
import { Scroller } from '../parts/scroller.tsx';
import { t } from '../strings/index.ts';

/** Never a page of ten thousand rows: the errors are all there, of the others the first. */
const SHOWN = 200;

type Row = ImportAnswer['rows'][number];

const hrefOf = ({ link }: Row) => (link ? new URL(link.url, location.href).href : '');

/** What a list would do, or did, line by line. */
export function Answer({ answer, busy, apply }: { answer: ImportAnswer; busy: boolean; apply: () => void }) {
  const { rows, errors, totals, applied, ignored_columns: ignored } = answer;
  const work = totals.create + totals.change;
  // Those with an error stand above, with what is wrong.
  const good = rows.filter(({ outcome }) => outcome !== 'error');
  const linked = good.filter(({ link }) => link);
  // A link is told once, so none may be left out.
  const shown = linked.length > 0 ? good : good.slice(0, SHOWN);
  return (
    <section className="card" aria-label={t.bulk.outcome}>
      <div role="status" className="stack tight">
        {applied && <p className="note ok">{t.import.applied}</p>}
        {errors.length > 0 && (
          <div className="note bad">
            <strong>{t.import.errors(errors.length)}</strong>
            <p>{t.import.errorsHint}</p>
          </div>
        )}
        <p>{t.import.totals(count(totals.create), count(totals.change), count(totals.same))}</p>
      </div>
      {ignored.length > 0 && <p className="muted small">{t.import.ignored(ignored.join(', '))}</p>}
      {errors.length > 0 && (
        <Lines
          head={[t.import.line, t.import.column, t.import.message]}
          rows={errors.map(({ line, column, message }) => [String(line), column ?? '', message])}
        />
      )}
      {errors.length === 0 && !applied && (
        <div>
          {work > 0 ? (
            <button type="button" className="primary" disabled={busy} onClick={apply}>
              {t.import.apply(count(work))}
            </button>
          ) : (
            <p className="muted">{t.import.nothing}</p>
          )}
        </div>
      )}
      {linked.length > 0 && <SaveLinks rows={linked} />}
      {good.length > 0 && (
        <>
          <People rows={shown} withLinks={linked.length > 0} />
          {shown.length < good.length && <p className="muted small">{t.import.shown(SHOWN)}</p>}
        </>
      )}
      {applied && (
        <p>
          <ViewLink to={pathTo('people', undefined, { sort: '-id', cols: 'groups.created' })}>{t.import.see}</ViewLink>
        </p>
      )}
    </section>
  );
}

function SaveLinks({ rows }: { rows: readonly Row[] }) {
  const save = () => {
    const lines = rows.map((row) => [row.name, hrefOf(row)]);
    saveFile('password-links.csv', 'text/csv', csvText([['name', 'link'], ...lines]));
  };
  return (
    <div className="row">
      <button type="button" className="primary" onClick={save}>
        {t.import.saveLinks(count(rows.length))}
      </button>
      <p className="muted small">{t.import.saveLinksHint}</p>
    </div>
  );
}

function People({ rows, withLinks }: { rows: readonly Row[]; withLinks: boolean }) {
  return (
    <Lines
      head={[
        t.import.line,
        t.import.name,
        t.import.outcome,
        t.import.groups,
        t.import.admin,
        ...(withLinks ? [t.import.password] : []),
      ]}
      rows={rows.map((row) => [
        String(row.line),
        row.name,
        t.import.outcomes[row.outcome] ?? row.outcome,
        row.add_groups.map((group) => (row.new_groups.includes(group) ? t.import.newGroup(group) : group)).join(', '),
        row.admin === null ? '' : row.admin ? t.yes : t.no,
        ...(withLinks ? [hrefOf(row)] : []),
      ])}
    />
  );
}

function Lines({ head, rows }: { head: readonly string[]; rows: readonly (readonly string[])[] }) {
  return (
    <Scroller label={head.join(', ')}>
      <table className="results">
        <thead>
          <tr>
            {head.map((label) => (
              <th key={label} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells) => (
            <tr key={cells.join('\0')}>
              {cells.map((text, at) => (
                <td key={head[at]}>{text}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}
