import { type FormEvent, useState } from 'react';
import { ApiError, call, part } from '../api/client.ts';
import type { GroupLine } from '../api/types.ts';
import { useLoad } from '../api/use-load.ts';
import { count } from '../lib/format.ts';
import { pathTo, useQuery, ViewLink } from '../lib/router.tsx';
import { Search, TextField } from '../parts/fields.tsx';
import { Empty, Load, Problem } from '../parts/notes.tsx';
import { Pager } from '../parts/pager.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { complain, say } from '../parts/toast.tsx';
import { t } from '../strings/index.ts';

const LIMIT = 50;

const COLUMNS: readonly Column<GroupLine>[] = [
  {
    key: 'name',
    label: t.groups.name,
    sort: 'name',
    show: ({ name, configured }) => (
      <span className="row tight">
        <ViewLink to={pathTo('groups', name)}>{name}</ViewLink>
        {configured && <span className="tag">{t.groups.configured}</span>}
      </span>
    ),
  },
  { key: 'members', label: t.groups.members, sort: 'members', numeric: true, show: ({ members }) => count(members) },
  {
    key: 'roles',
    label: t.groups.roles,
    show: ({ roles }) => (roles.length === 0 ? <span className="muted">{t.none}</span> : roles.join(', ')),
  },
  {
    key: 'properties',
    label: t.groups.properties,
    show: ({ properties }) => {
      const keys = Object.keys(properties);
      return keys.length === 0 ? <span className="muted">{t.none}</span> : keys.join(', ');
    },
  },
];

function sorted(items: readonly GroupLine[], sort: string): GroupLine[] {
  const sign = sort.startsWith('-') ? -1 : 1;
  const bySize = sort.endsWith('members');
  return [...items].sort((a, b) => sign * (bySize ? a.members - b.members : 0) || sign * a.name.localeCompare(b.name));
}

export function Groups() {
  const [query, set] = useQuery();
  const groups = useLoad<{ items: GroupLine[] }>('/atrium/groups');
  const read = (key: string) => query.get(key) ?? '';
  const sort = read('sort') || 'name';
  const q = read('q');
  const offset = Math.max(0, Math.trunc(Number(read('offset'))) || 0);
  const change = (values: Record<string, string>) => set({ ...values, offset: '' }, { replace: true });
  return (
    <>
      <section className="card" aria-label={t.groups.title}>
        <Load of={groups} what={t.groups.what}>
          {({ items }) => {
            const rows = sorted(
              items.filter(({ name }) => name.toLowerCase().includes(q.toLowerCase())),
              sort,
            );
            if (items.length === 0) return <Empty title={t.groups.none}>{t.groups.noneHint}</Empty>;
            return (
              <>
                <search className="row bottom">
                  <Search label={t.groups.search} value={q} set={(text) => change({ q: text })} />
                </search>
                <p className="visually-hidden" role="status">
                  {t.list.results(rows.length)}
                </p>
                {rows.length === 0 ? (
                  <Empty title={t.groups.noneFit} />
                ) : (
                  <Table
                    caption={t.groups.title}
                    columns={COLUMNS}
                    rows={rows.slice(offset, offset + LIMIT)}
                    keyOf={({ name }) => name}
                    sort={sort}
                    setSort={(next) => change({ sort: next === 'name' ? '' : next })}
                  />
                )}
                <Pager
                  offset={offset}
                  limit={LIMIT}
                  total={rows.length}
                  go={(to) => set({ offset: to === 0 ? '' : String(to) })}
                />
              </>
            );
          }}
        </Load>
      </section>
      <NewGroup made={groups.reload} />
    </>
  );
}

function NewGroup({ made }: { made: () => void }) {
  const [name, setName] = useState('');
  const [error, setError] = useState<ApiError>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const path = `/groups/${part(name.trim())}`;
    setError(undefined);
    try {
      await call('POST', path, {});
      setName('');
      made();
      const undo = () => call('DELETE', path).then(made);
      say(t.groups.created(name.trim()), () => void undo().catch(complain));
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setError(cause);
    }
  };
  return (
    <section className="card" aria-labelledby="new-group">
      <h2 id="new-group">{t.groups.create}</h2>
      {error && <Problem error={error} />}
      <form className="with-button bottom" onSubmit={(event) => void submit(event)}>
        <TextField label={t.groups.newName} value={name} set={setName} required maxLength={255} />
        <button type="submit">{t.groups.createButton}</button>
      </form>
    </section>
  );
}
