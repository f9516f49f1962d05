import { type ChangeEvent, type FormEvent, useState } from 'react';
import { ApiError, call } from '../api/client.ts';
import type { ImportAnswer, Overview } from '../api/types.ts';
import { useLoad } from '../api/use-load.ts';
import { pathTo, ViewLink } from '../lib/router.tsx';
import { Check, TextField } from '../parts/fields.tsx';
import { Problem, Waiting } from '../parts/notes.tsx';
import { complain } from '../parts/toast.tsx';
import { t } from '../strings/index.ts';
import { Answer } from './import-answer.tsx';

const LARGEST = 2_000_000;
/** What stands for bytes that are not UTF-8: the letters that were there are lost. */
const UNREADABLE = '\u{fffd}';

interface Wish {
  csv: string;
  links: boolean;
}

interface Answered {
  /** What the answer is about, and what is brought in after it, whatever the fields say by then. */
  wish: Wish;
  answer: ImportAnswer;
}

function faultOf(csv: string): string | undefined {
  if (csv.trim() === '') return t.import.empty;
  return csv.includes(UNREADABLE) ? t.import.notUtf8 : undefined;
}

async function ask(wish: Wish, dryRun: boolean): Promise<ImportAnswer> {
  try {
    return await call<ImportAnswer>('POST', '/atrium/people/import', { ...wish, dry_run: dryRun });
  } catch (cause) {
    // With the lines that are wrong, it is an answer.
    const body =
      cause instanceof ApiError && cause.status === 422 ? (cause.body as ImportAnswer | undefined) : undefined;
    if (body && Array.isArray(body.rows)) return body;
    throw cause;
  }
}

/** A list of people from a spreadsheet: first what would happen, then that it happens. */
export function ImportView() {
  const overview = useLoad<Overview>('/atrium/overview');
  const [csv, setCsv] = useState('');
  const [links, setLinks] = useState(false);
  const [answered, setAnswered] = useState<Answered>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const [wrong, setWrong] = useState<string>();

  const send = async (wish: Wish, dryRun: boolean) => {
    setBusy(true);
    setError(undefined);
    try {
      setAnswered({ wish, answer: await ask(wish, dryRun) });
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setError(cause);
    } finally {
      setBusy(false);
    }
  };
  const check = (event: FormEvent) => {
    event.preventDefault();
    const fault = faultOf(csv);
    setWrong(fault);
    if (fault === undefined) void send({ csv, links }, true).catch(complain);
  };
  const read = async ({ target: { files } }: ChangeEvent<HTMLInputElement>) => {
    const file = files?.[0];
    if (!file) return;
    if (file.size > LARGEST) return setWrong(t.import.tooBig);
    const text = await file.text();
    setCsv(text);
    setWrong(faultOf(text));
  };
  // A check holds for what was checked; what was done stays, as its links are told only here.
  const shown =
    answered && (answered.answer.applied || (answered.wish.csv === csv && answered.wish.links === links))
      ? answered
      : undefined;

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
          <input
            id="csv-file"
            type="file"
            accept=".csv,.tsv,.txt,text/csv"
            // The same file, corrected, is a choice too.
            onClick={({ currentTarget }) => {
              currentTarget.value = '';
            }}
            onChange={(event) => void read(event)}
          />
        </div>
        <TextField label={t.import.paste} value={csv} set={setCsv} error={wrong} long />
        {overview.data?.features.accounts && <Check label={t.import.links} on={links} set={setLinks} />}
        <div>
          <button type="submit" className={shown ? '' : 'primary'} disabled={busy}>
            {t.import.check}
          </button>
        </div>
      </form>
      {busy && <Waiting what={t.import.checking} />}
      {error && <Problem error={error} />}
      {shown && <Answer answer={shown.answer} busy={busy} apply={() => void send(shown.wish, false).catch(complain)} />}
    </>
  );
}
