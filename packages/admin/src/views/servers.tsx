import { useMemo, useState } from 'react';
import type { LiveServer, Overview } from '../api/types.ts';
import { useLoad } from '../api/use-load.ts';
import { useServers } from '../api/use-servers.ts';
import { facts } from '../lib/facts.ts';
import { bytes, count } from '../lib/format.ts';
import { pathTo, useQuery, ViewLink } from '../lib/router.tsx';
import { NOTHING, type Selection } from '../lib/selection.ts';
import { sortRows } from '../lib/sort-rows.ts';
import { BulkDialog, type BulkTask } from '../parts/bulk.tsx';
import { Choice, Search } from '../parts/fields.tsx';
import { Empty, Waiting } from '../parts/notes.tsx';
import { Pager } from '../parts/pager.tsx';
import { ServerActions } from '../parts/server-actions.tsx';
import { ServerState, stateOf } from '../parts/state.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Ago, Since } from '../parts/time.tsx';
import { t } from '../strings/index.ts';

const LIMIT = 50;

const columnsFor = (hasLog: boolean, hasUsage: boolean): Column<LiveServer>[] => [
  {
    key: 'name',
    label: t.servers.columns.name,
    sort: 'name',
    show: ({ user, name, display_name: label, kind }) => (
      <span className="stack none">
        <ViewLink to={pathTo('people', user)}>{user}</ViewLink>
        {(name !== '' || kind) && (
          <span className="muted small">{[label || name, kind].filter(Boolean).join(' · ')}</span>
        )}
      </span>
    ),
  },
  {
    key: 'state',
    label: t.servers.columns.state,
    sort: 'state',
    show: (row) => (
      <span className="stack none">
        <ServerState server={row} />
        {row.failure && row.phase === 'stopped' && (
          <span className="small failure">
            {row.failure.message}
            {row.failures_in_a_row > 1 && ` (${t.servers.times(row.failures_in_a_row)})`}
          </span>
        )}
        {!row.failure && row.stopped?.message && row.phase === 'stopped' && (
          <span className="small failure">{row.stopped.message}</span>
        )}
      </span>
    ),
  },
  { key: 'since', label: t.servers.columns.since, sort: 'since', show: ({ since }) => since && <Since at={since} /> },
  {
    key: 'started',
    label: t.servers.columns.started,
    sort: 'started',
    show: ({ started }) => <Ago at={started} never="–" />,
  },
  {
    key: 'activity',
    label: t.servers.columns.activity,
    sort: 'activity',
    show: ({ last_activity: at }) => <Ago at={at} never="–" />,
  },
  ...(hasUsage
    ? ([
        { key: 'memory', label: t.servers.columns.memory, sort: 'memory', numeric: true, show: memoryOf },
        { key: 'cpu', label: t.servers.columns.cpu, sort: 'cpu', numeric: true, show: cpuOf },
      ] satisfies Column<LiveServer>[])
    : []),
  { key: 'act', label: t.servers.columns.act, show: (row) => <ServerActions server={row} hasLog={hasLog} /> },
];

function memoryOf({ usage }: LiveServer) {
  if (!usage) return <span className="muted">–</span>;
  const limit = usage.memory_limit;
  return limit ? t.servers.memory(bytes(usage.memory), bytes(limit)) : bytes(usage.memory);
}

function cpuOf({ usage }: LiveServer) {
  if (usage?.cpu === undefined || usage.cpu === null) return <span className="muted">–</span>;
  return t.servers.cores(usage.cpu.toFixed(usage.cpu < 10 ? 2 : 0));
}

export function Servers() {
  const [query, set] = useQuery();
  const live = useServers();
  const overview = useLoad<Overview>('/atrium/overview');
  const [selection, select] = useState<Selection>(NOTHING);
  const [task, setTask] = useState<BulkTask>();
  const read = (key: string) => query.get(key) ?? '';
  const [q, state, sort] = [read('q').toLowerCase(), read('state'), read('sort') || 'name'];
  const offset = Math.max(0, Math.trunc(Number(read('offset'))) || 0);
  const change = (values: Record<string, string>) => set({ ...values, offset: '' }, { replace: true });

  const rows = useMemo(() => {
    const fits = [...live.rows.values()].filter(
      (row) =>
        (q === '' || row.key.toLowerCase().includes(q) || row.display_name.toLowerCase().includes(q)) &&
        (state === '' || stateOf(row) === state || (state === 'problem' && row.phase === 'stopped')),
    );
    return sortRows(fits, sort);
  }, [live.rows, q, state, sort]);
  const features = overview.data?.features;
  const columns = useMemo(
    () => columnsFor(features?.server_log ?? false, features?.server_usage ?? false),
    [features?.server_log, features?.server_usage],
  );
  // Those that went while they were chosen are not there to be acted upon.
  const chosen = [...selection.keys].filter((key) => live.rows.has(key));
  const at = offset < rows.length ? offset : 0;

  return (
    <>
      <div className="row between">
        <p className="muted grow">{t.servers.text}</p>
        <a className="button slim" href={`${facts().api}/atrium/servers.csv`} download="servers.csv">
          {t.list.csv}
        </a>
      </div>
      <section className="card" aria-label={t.servers.title}>
        <search className="row bottom">
          <Search label={t.servers.search} value={read('q')} set={(text) => change({ q: text })} />
          <Choice
            label={t.servers.state}
            value={state}
            set={(to) => change({ state: to })}
            options={t.servers.states}
          />
          <p className="stream small" role="status">
            {live.state === 'lost' ? t.servers.lost : live.state === 'live' && t.servers.live}
          </p>
        </search>
        {live.state === 'waiting' ? (
          <Waiting what={t.servers.what} />
        ) : rows.length === 0 ? (
          <Empty title={live.rows.size === 0 ? t.servers.none : t.servers.noneFit}>
            {live.rows.size === 0 ? t.servers.noneHint : t.servers.noneFitHint}
          </Empty>
        ) : (
          <>
            <div className="chosen row">
              <span className="grow" role="status">
                {chosen.length === 0 ? (
                  <span className="muted small">{t.list.rangeHint}</span>
                ) : (
                  t.list.chosen(count(chosen.length))
                )}
              </span>
              {(['stop', 'start'] as const).map((action) => (
                <button
                  key={action}
                  type="button"
                  className={action === 'stop' ? 'slim danger' : 'slim'}
                  disabled={chosen.length === 0}
                  onClick={() => setTask({ action, target: { servers: chosen } })}
                >
                  {action === 'stop' ? t.servers.stopChosen : t.servers.startChosen}
                </button>
              ))}
            </div>
            <Table
              caption={t.servers.title}
              columns={columns}
              rows={rows.slice(at, at + LIMIT)}
              keyOf={({ key }) => key}
              sort={sort}
              setSort={(next) => change({ sort: next === 'name' ? '' : next })}
              selection={{ ...selection, keys: new Set(chosen) }}
              select={select}
            />
            <Pager
              offset={at}
              limit={LIMIT}
              total={rows.length}
              go={(to) => set({ offset: to === 0 ? '' : String(to) })}
            />
          </>
        )}
      </section>
      {task && (
        <BulkDialog task={task} groups={[]} homesDeleted={undefined} close={() => setTask(undefined)} done={() => {}} />
      )}
    </>
  );
}
