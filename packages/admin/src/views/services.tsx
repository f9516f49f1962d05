import type { ServiceLine } from '../api/types.ts';
import { useLoad } from '../api/use-load.ts';
import { Icon } from '../parts/icons.tsx';
import { Empty, Load } from '../parts/notes.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { t } from '../strings/index.ts';

function State({ service: { managed, pid, problem } }: { service: ServiceLine }) {
  if (problem !== null)
    return (
      <span className="stack none">
        <span className="state problem">
          <Icon name="problem" />
          <span>{t.services.problem}</span>
        </span>
        <span className="small failure">{problem}</span>
      </span>
    );
  const up = managed ? pid !== null : true;
  return (
    <span className={`state ${up ? 'running' : 'stopped'}`}>
      <Icon name={up ? 'running' : 'stopped'} />
      <span>{!managed ? t.services.elsewhere : up ? t.services.running : t.states.stopped}</span>
    </span>
  );
}

const COLUMNS: readonly Column<ServiceLine>[] = [
  {
    key: 'name',
    label: t.services.name,
    show: ({ name, prefix, admin, display }) => (
      <span className="row tight">
        {prefix ? <a href={prefix}>{name}</a> : name}
        {admin && <span className="tag">{t.services.admin}</span>}
        {!display && <span className="tag">{t.services.hidden}</span>}
      </span>
    ),
  },
  { key: 'state', label: t.services.state, show: (service) => <State service={service} /> },
  {
    key: 'where',
    label: t.services.where,
    show: ({ url, pid }) => (
      <span className="stack none small">
        {url && <code>{url}</code>}
        {pid !== null && <span className="muted">{t.services.pid(pid)}</span>}
      </span>
    ),
  },
  {
    key: 'by',
    label: t.services.by,
    show: ({ from_config: configured }) => (configured ? t.services.config : t.services.api),
  },
];

export function Services() {
  const services = useLoad<{ items: ServiceLine[] }>('/atrium/services');
  return (
    <section className="card" aria-label={t.services.title}>
      <Load of={services} what={t.services.what}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={t.services.none}>{t.services.noneHint}</Empty>
          ) : (
            <Table caption={t.services.title} columns={COLUMNS} rows={items} keyOf={({ name }) => name} />
          )
        }
      </Load>
    </section>
  );
}
