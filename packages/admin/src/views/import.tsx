import { type ChangeEvent, type FormEvent, useState } from 'react';
import { ApiError, call } from '../api/client.ts';
import type { ImportAnswer, Overview } from '../api/types.ts';
import { useLoad } from '../api/use-load.ts';
import { count } from '../lib/format.ts';
import { pathTo, ViewLink } from '../lib/router.tsx';
import { Check, TextField } from '../parts/fields.tsx';
import { Problem, Waiting } from '../parts/notes.tsx';
import { Scroller } from '../parts/scroller.tsx';
import { complain } from '../parts/toast.tsx';
import { t } from '../strings/index.ts';

const LARGEST = 2_000_000;
/** Never a page of ten thousand rows: the errors are all there, of the others the first. */
const SHOWN = 200;

/** A list of people from a spreadsheet: first what would happen, then that it happens. */
export function ImportView() {
  const overview = useLoad<Overview>('/atrium/overview');
  const [csv, setCsv] = useState('');
  const [links, setLinks] = useState(false);
  const [answer, setAnswer] = useState<ImportAnswer>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const [wrong, setWrong] = useState<string>();

  const send = async (dryRun: boolean) => {
    setBusy(true);
    setError(undefined);
    try {
      setAnswer(await call<ImportAnswer>('POST', '/atrium/people/import', { csv, dry_run: dryRun, links }));
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      // With the lines that are wrong, it is an answer.
      if (cause.status === 422 && Array.isArray((cause.body as ImportAnswer | undefined)?.rows))
        setAnswer(cause.body as ImportAnswer);
      else setError(cause);
    } finally {
      setBusy(false);
    }
  };
  const check = (event: FormEvent) => {
    event.preventDefault();
    if (csv.trim() === '') return setWrong(t.import.empty);
    setWrong(undefined);
    void send(true).catch(complain);
  };
  const edit = (text: string) => {
    setCsv(text);
    setAnswer(undefined);
  };
  const read = async ({ target: { files } }: ChangeEvent<HTMLInputElement>) => {
    const file = files?.[0];
    if (!file) return;
    if (file.size > LARGEST) return setWrong(t.import.tooBig);
    setWrong(undefined);
    edit(await file.text());
  };

  return (
    <>
      <p>
        <ViewLink to={pathTo('people')}>{t.person.back}</ViewLink>
      </p>
      <p className="muted">{t.import.text}</p>
      <details className="small">
        <summary>{t.import.example}</summary>
        <pre className="log">{t.import.exampleText}</pre>
      </details>
      <form className="card" onSubmit={check}>
        <div className="field">
          <label htmlFor="csv-file">{t.import.file}</label>
          <input id="csv-file" type="file" accept=".csv,.tsv,.txt,text/csv" onChange={(event) => void read(event)} />
        </div>
        <TextField label={t.import.paste} value={csv} set={edit} error={wrong} long />
        {overview.data?.features.accounts && <Check label={t.import.links} on={links} set={setLinks} />}
        <div>
          <button type="submit" className={answer ? '' : 'primary'} disabled={busy}>
            {t.import.check}
          </button>
        </div>
      </form>
      {busy && <Waiting what={t.import.checking} />}
      {error && <Problem error={error} />}
      {answer && <Answer answer={answer} busy={busy} apply={() => void send(false).catch(complain)} />}
    </>
  );
}

function Answer({ answer, busy, apply }: { answer: ImportAnswer; busy: boolean; apply: () => void }) {
  const { rows, errors, totals, applied, ignored_columns: ignored } = answer;
  const work = totals.create + totals.change;
  // Those with an error stand above, with what is wrong.
  const good = rows.filter(({ outcome }) => outcome !== 'error');
  const anyLink = rows.some(({ link }) => link);
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
      {good.length > 0 && (
        <>
          <Lines
            head={[
              t.import.line,
              t.import.name,
              t.import.outcome,
              t.import.groups,
              t.import.admin,
              ...(anyLink ? [t.import.password] : []),
            ]}
            rows={good
              .slice(0, SHOWN)
              .map(({ line, name, outcome, add_groups: groups, new_groups: fresh, admin, link }) => [
                String(line),
                name,
                t.import.outcomes[outcome] ?? outcome,
                groups.map((group) => (fresh.includes(group) ? t.import.newGroup(group) : group)).join(', '),
                admin === null ? '' : admin ? t.yes : t.no,
                ...(anyLink ? [link ? new URL(link.url, location.href).href : ''] : []),
              ])}
          />
          {good.length > SHOWN && <p className="muted small">{t.import.shown(SHOWN)}</p>}
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
