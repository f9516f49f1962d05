import { type FocusEvent, type KeyboardEvent, useState } from 'react';
import { queryText } from '../api/client.ts';
import type { GroupLine, Overview, Page, Person } from '../api/types.ts';
import { useFollow } from '../api/use-follow.ts';
import { useLoad } from '../api/use-load.ts';
import { useServers } from '../api/use-servers.ts';
import { facts } from '../lib/facts.ts';
import { count } from '../lib/format.ts';
import { pathTo, useQuery, ViewLink } from '../lib/router.tsx';
import { NOTHING, type Selection } from '../lib/selection.ts';
import { type Action, BulkDialog, type BulkTask, type Target } from '../parts/bulk.tsx';
import { Check, Choice, Search } from '../parts/fields.tsx';
import { Empty, Load } from '../parts/notes.tsx';
import { Pager } from '../parts/pager.tsx';
import { Table } from '../parts/table.tsx';
import { t } from '../strings/index.ts';
import { AddPeople } from './add-people.tsx';
import { approving, COLUMNS, chosenColumns } from './people-columns.tsx';

const LIMIT = 50;
/** What one bulk action takes at most. */
const MOST = 1000;
/** As many as a list of choices can hold without being a page of its own. */
const GROUPS_SHOWN = 200;

/** Who is chosen. */
interface Choosing {
  /** The filter it was chosen for: the browser's Back leads to another one, where it means nothing. */
  of: string;
  /** Everybody who fits that filter, not only on this page. */
  all: boolean;
  selection: Selection;
}

export function People() {
  const [query, set] = useQuery();
  const [choosing, setChoosing] = useState<Choosing>();
  const [task, setTask] = useState<BulkTask>();
  const [action, setAction] = useState<Action>('stop');
  const read = (key: string) => query.get(key) ?? '';
  const filter = { q: read('q'), state: read('state'), account: read('account'), group: read('group') };
  const of = queryText(filter);
  const { all, selection } = choosing?.of === of ? choosing : { all: false, selection: NOTHING };
  const select = (next: Selection, everybody = false) => setChoosing({ of, all: everybody, selection: next });
  const sort = read('sort') || 'name';
  const offset = Math.max(0, Math.trunc(Number(read('offset'))) || 0);
  const people = useLoad<Page<Person>>(`/atrium/people${queryText({ ...filter, sort, offset, limit: LIMIT })}`);
  const groups = useLoad<{ items: GroupLine[] }>('/atrium/groups');
  const overview = useLoad<Overview>('/atrium/overview');

  const live = useServers();
  const here = new Set(people.data?.items.map(({ name }) => name));
  // The list is read again when a server of somebody in it came, went or changed.
  const sign = [...live.rows.values()].filter(({ user }) => here.has(user)).map(({ key, phase }) => `${key} ${phase}`);
  useFollow(live.state === 'live' && people.data ? `${offset} ${sign.sort().join()}` : undefined, people.reload);

  const change = (values: Record<string, string>) => {
    setChoosing(undefined);
    set({ ...values, offset: '' }, { replace: true });
  };
  const shown = chosenColumns(read('cols'));
  const chosen = COLUMNS.filter(({ key }) => key === 'name' || shown.has(key));
  const columns = filter.account === 'waiting' ? [...chosen, approving(people.reload)] : chosen;
  const groupNames = groups.data?.items.map(({ name }) => name) ?? [];
  const filtered = Object.values(filter).some((value) => value !== '');
  const csv = `${facts().api}/atrium/people.csv${queryText({ ...filter, sort, columns: ['name', 'admin', 'blocked', ...shown].filter((key) => key !== 'stop_after').join(',') })}`;

  const target = (): Target =>
    all
      ? { match: Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== '')) }
      : { people: [...selection.keys] };

  return (
    <>
      <div className="row between">
        <AddPeople added={people.reload} />
        <span className="row">
          <ViewLink className="button slim" to={pathTo('import')}>
            {t.people.import}
          </ViewLink>
          <a className="button slim" href={csv} download="people.csv">
            {t.list.csv}
          </a>
        </span>
      </div>
      <section className="card" aria-label={t.people.title}>
        <search className="row bottom">
          <Search label={t.people.search} value={filter.q} set={(q) => change({ q })} />
          <Choice
            label={t.people.state}
            value={filter.state}
            set={(state) => change({ state })}
            options={t.people.states}
          />
          <Choice
            label={t.people.account}
            value={filter.account}
            set={(account) => change({ account })}
            options={t.people.accounts}
          />
          <Choice
            label={t.people.group}
            value={filter.group}
            set={(group) => change({ group })}
            options={{
              '': t.people.anyGroup,
              ...(filter.group !== '' && { [filter.group]: filter.group }),
              ...Object.fromEntries(groupNames.slice(0, GROUPS_SHOWN).map((name) => [name, name])),
            }}
          />
          <details className="chooser" onBlur={closeOutside} onKeyDown={closeByEscape}>
            <summary className="button">{t.list.columns}</summary>
            <div className="stack tight">
              {COLUMNS.slice(1).map(({ key, label }) => (
                <Check
                  key={key}
                  label={label}
                  on={shown.has(key)}
                  set={(on) => {
                    const next = COLUMNS.map((column) => column.key).filter((each) =>
                      each === key ? on : shown.has(each),
                    );
                    set({ cols: next.join('.') || 'name' }, { replace: true });
                  }}
                />
              ))}
            </div>
          </details>
        </search>
        <Load of={people} what={t.people.what}>
          {({ items, total }) => (
            <>
              <p className="visually-hidden" role="status">
                {t.people.found(count(total))}
              </p>
              {items.length === 0 ? (
                <Empty title={filtered ? t.people.nobody : t.people.nobodyAtAll}>
                  <p>{filtered ? t.people.nobodyHint : t.people.nobodyAtAllHint}</p>
                  {filtered && (
                    <p>
                      <button
                        type="button"
                        className="slim"
                        onClick={() => change({ q: '', state: '', account: '', group: '' })}
                      >
                        {t.people.reset}
                      </button>
                    </p>
                  )}
                </Empty>
              ) : (
                <>
                  <Chosen
                    many={all ? total : selection.keys.size}
                    matching={!all && selection.keys.size >= items.length && total > items.length ? total : undefined}
                    chooseMatching={() => select(selection, true)}
                    clear={() => select(NOTHING)}
                    action={action}
                    setAction={setAction}
                    act={() => setTask({ action, target: target() })}
                  />
                  <Table
                    caption={t.people.title}
                    columns={columns}
                    rows={items}
                    keyOf={({ name }) => name}
                    sort={sort}
                    setSort={(next) => change({ sort: next === 'name' ? '' : next })}
                    selection={all ? { keys: new Set(items.map(({ name }) => name)), anchor: undefined } : selection}
                    select={select}
                    busy={people.loading}
                  />
                  <Pager
                    offset={offset}
                    limit={LIMIT}
                    total={total}
                    go={(to) => set({ offset: to === 0 ? '' : String(to) })}
                  />
                </>
              )}
            </>
          )}
        </Load>
      </section>
      {task && (
        <BulkDialog
          task={task}
          groups={groupNames}
          homesDeleted={overview.data?.features.home_deleted_with_person}
          close={() => setTask(undefined)}
          done={people.reload}
        />
      )}
    </>
  );
}

function closeOutside({ currentTarget, relatedTarget }: FocusEvent<HTMLDetailsElement>): void {
  if (relatedTarget && !currentTarget.contains(relatedTarget)) currentTarget.open = false;
}

function closeByEscape({ currentTarget, key }: KeyboardEvent<HTMLDetailsElement>): void {
  if (key !== 'Escape') return;
  currentTarget.open = false;
  currentTarget.querySelector('summary')?.focus();
}

function Chosen({
  many,
  matching,
  chooseMatching,
  clear,
  action,
  setAction,
  act,
}: {
  many: number;
  /** How many fit the filter, when that is more than is chosen. */
  matching: number | undefined;
  chooseMatching: () => void;
  clear: () => void;
  action: Action;
  setAction: (action: Action) => void;
  act: () => void;
}) {
  return (
    <form
      className="chosen row"
      onSubmit={(event) => {
        event.preventDefault();
        act();
      }}
    >
      <span className="grow" role="status">
        {many === 0 ? <span className="muted small">{t.list.rangeHint}</span> : t.list.chosen(count(many))}
      </span>
      {matching !== undefined &&
        (matching <= MOST ? (
          <button type="button" className="quiet" onClick={chooseMatching}>
            {t.list.chooseMatching(count(matching))}
          </button>
        ) : (
          <span className="muted small">{t.bulk.tooMany(count(MOST))}</span>
        ))}
      {many > 0 && (
        <button type="button" className="quiet" onClick={clear}>
          {t.list.clear}
        </button>
      )}
      <label className="visually-hidden" htmlFor="bulk-action">
        {t.list.actions}
      </label>
      <select
        id="bulk-action"
        className="slim"
        value={action}
        disabled={many === 0}
        onChange={(event) => setAction(event.target.value as Action)}
      >
        {Object.entries(t.bulk.actions).map(([key, words]) => (
          <option key={key} value={key}>
            {words}
          </option>
        ))}
      </select>
      <button type="submit" className="slim" disabled={many === 0}>
        {t.list.act}
      </button>
    </form>
  );
}
