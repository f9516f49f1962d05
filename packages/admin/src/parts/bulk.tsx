import { useEffect, useRef, useState } from 'react';
import { ApiError, call } from '../api/client.ts';
import type { BulkAnswer, BulkRow, Outcome } from '../api/types.ts';
import { count } from '../lib/format.ts';
import { t } from '../strings/index.ts';
import { Dialog } from './dialog.tsx';
import { Problem, Waiting } from './notes.tsx';
import { Scroller } from './scroller.tsx';

export type Action = keyof typeof t.bulk.actions;

/** What brings back what an action did; what has none cannot be undone. */
const REVERSE: Partial<Record<Action, Action>> = {
  start: 'stop',
  stop: 'start',
  add_to_group: 'remove_from_group',
  remove_from_group: 'add_to_group',
  block: 'unblock',
  unblock: 'block',
  make_admin: 'remove_admin',
  remove_admin: 'make_admin',
};

/** So many at a time, so that there is something to see and a way to stop. */
const PIECE = 50;
const ORDER: readonly Outcome[] = ['failed', 'refused', 'will', 'done', 'nothing'];

export interface Target {
  people?: readonly string[];
  servers?: readonly string[];
  match?: Record<string, string>;
}

export interface BulkTask {
  action: Action;
  target: Target;
}

interface Fields {
  group: string;
  note: string;
}

const asks = (action: Action) => ({
  group: action === 'add_to_group' || action === 'remove_from_group',
  note: action === 'stop',
});

const run = (action: Action, target: Target, fields: Fields, dryRun: boolean) =>
  call<BulkAnswer>('POST', '/atrium/bulk', {
    action,
    dry_run: dryRun,
    ...target,
    ...(asks(action).group && { group: fields.group }),
    ...(asks(action).note && fields.note !== '' && { note: fields.note }),
  });

/** Asks, shows what would and would not happen, does it piece by piece, and shows what happened to each. */
export function BulkDialog({
  task,
  groups,
  homesDeleted,
  close,
  done,
}: {
  task: BulkTask;
  groups: readonly string[];
  homesDeleted: boolean | undefined;
  close: () => void;
  /** What became of each that was tried, of which not every one was changed. */
  done: (rows: readonly BulkRow[]) => void;
}) {
  const [now, setNow] = useState(task);
  const [fields, setFields] = useState<Fields>({ group: '', note: '' });
  const [preview, setPreview] = useState<BulkAnswer>();
  const [results, setResults] = useState<BulkRow[]>();
  const [working, setWorking] = useState<'preview' | 'run'>();
  const [error, setError] = useState<ApiError>();
  const stopped = useRef(false);
  const { action } = now;
  const wanted = asks(action);
  const will = preview?.results.filter(({ outcome }) => outcome === 'will') ?? [];

  const guarded = async (work: () => Promise<void>) => {
    setError(undefined);
    try {
      await work();
    } catch (cause) {
      setError(cause instanceof ApiError ? cause : new ApiError(String(cause), { status: 0, code: 'unexpected' }));
    } finally {
      setWorking(undefined);
    }
  };

  const look = (next: BulkTask) =>
    guarded(async () => {
      setWorking('preview');
      setPreview(await run(next.action, next.target, fields, true));
    });

  const go = () =>
    guarded(async () => {
      setWorking('run');
      stopped.current = false;
      const all: BulkRow[] = [];
      setResults([]);
      try {
        for (let at = 0; at < will.length && !stopped.current; at += PIECE) {
          const piece = will.slice(at, at + PIECE);
          const names = piece.map(({ name }) => name);
          const answer = await run(
            action,
            piece[0]?.kind === 'server' ? { servers: names } : { people: names },
            fields,
            false,
          );
          all.push(...answer.results);
          setResults([...all]);
        }
      } finally {
        done(all);
      }
    });

  // What asks nothing shows at once what it would do.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, for what it was opened with
  useEffect(() => {
    if (!wanted.group && !wanted.note) void look(task);
  }, []);

  const doneRows = results?.filter(({ outcome }) => outcome === 'done') ?? [];
  const back = REVERSE[action];
  const undo = () => {
    if (!back) return;
    const names = doneRows.map(({ name }) => name);
    const next: BulkTask = {
      action: back,
      target: doneRows[0]?.kind === 'server' ? { servers: names } : { people: names },
    };
    setNow(next);
    setResults(undefined);
    setPreview(undefined);
    void look(next);
  };
  const end = () => {
    stopped.current = true;
    close();
  };

  return (
    <Dialog title={t.bulk.titles[action]} close={end}>
      {!preview && !results && (wanted.group || wanted.note) && (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            void look(now);
          }}
        >
          {wanted.group && (
            <div className="field">
              <label htmlFor="bulk-group">{t.bulk.group}</label>
              <input
                id="bulk-group"
                list="bulk-groups"
                required
                autoComplete="off"
                value={fields.group}
                onChange={({ target: { value } }) => setFields({ ...fields, group: value })}
              />
              <datalist id="bulk-groups">
                {groups.map((name) => (
                  <option key={name} value={name} />
                ))}
              </datalist>
            </div>
          )}
          {wanted.note && (
            <div className="field">
              <label htmlFor="bulk-note">{t.bulk.note}</label>
              <p className="muted small" id="bulk-note-hint">
                {t.bulk.noteHint}
              </p>
              <input
                id="bulk-note"
                maxLength={300}
                autoComplete="off"
                aria-describedby="bulk-note-hint"
                value={fields.note}
                onChange={({ target: { value } }) => setFields({ ...fields, note: value })}
              />
            </div>
          )}
          <div className="row">
            <button type="submit" className="primary" disabled={working !== undefined}>
              {t.bulk.preview}
            </button>
          </div>
        </form>
      )}
      {working === 'preview' && <Waiting what={t.bulk.previewing} />}
      {error && <Problem error={error} />}
      {preview && !results && (
        <>
          <p>
            {t.bulk.previewText} {t.bulk.lost[action]}
            {action === 'delete' &&
              homesDeleted !== undefined &&
              ` ${homesDeleted ? t.bulk.homesDeleted : t.bulk.homesKept}`}
          </p>
          <Results rows={preview.results} />
          <div className="row">
            {will.length > 0 ? (
              <button
                type="button"
                className={REVERSE[action] && action !== 'stop' ? 'primary' : 'danger'}
                disabled={working !== undefined}
                onClick={() => void go()}
              >
                {t.bulk.confirm[action](count(will.length))}
              </button>
            ) : (
              <p className="muted">{t.bulk.nothingToDo}</p>
            )}
            <button type="button" onClick={end}>
              {t.cancel}
            </button>
          </div>
        </>
      )}
      {results && (
        <>
          <p role="status">
            {working === 'run'
              ? t.bulk.working(count(results.length), count(will.length))
              : results.length < will.length
                ? t.bulk.interrupted
                : t.bulk.finished}
          </p>
          {working === 'run' && (
            <progress value={results.length} max={will.length} aria-label={t.bulk.titles[action]} />
          )}
          <Results rows={results} />
          <div className="row">
            {working !== 'run' && back && doneRows.length > 0 && (
              <button type="button" onClick={undo}>
                {t.bulk.undo}
              </button>
            )}
            <button type="button" className="primary" onClick={end}>
              {working === 'run' ? t.cancel : t.close}
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}

/** How many of each, and every row with its reason; the ones that need a look first. */
export function Results({ rows }: { rows: readonly BulkRow[] }) {
  const sorted = ORDER.flatMap((outcome) => rows.filter((row) => row.outcome === outcome));
  const sums = ORDER.map((outcome) => [outcome, rows.filter((row) => row.outcome === outcome).length] as const);
  return (
    <div className="stack tight">
      <p className="row">
        {sums
          .filter(([, many]) => many > 0)
          .map(([outcome, many]) => (
            <span key={outcome} className={`tag ${outcome}`}>
              {t.bulk.counts(t.bulk.outcomes[outcome], count(many))}
            </span>
          ))}
      </p>
      <Scroller label={t.bulk.outcome}>
        <table className="results">
          <thead>
            <tr>
              <th scope="col">{t.bulk.who}</th>
              <th scope="col">{t.bulk.outcome}</th>
              <th scope="col">{t.bulk.reason}</th>
            </tr>
          </thead>
          <tbody>
            {sorted.map(({ kind, name, outcome, message }) => (
              <tr key={`${kind} ${name}`}>
                <th scope="row">{kind === 'server' ? serverLabel(name) : name}</th>
                <td>
                  <span className={`tag ${outcome}`}>{t.bulk.outcomes[outcome]}</span>
                </td>
                <td>{message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
    </div>
  );
}

function serverLabel(key: string): string {
  const slash = key.indexOf('/');
  return slash === -1 ? key : t.servers.label(key.slice(0, slash), key.slice(slash + 1));
}
