import { call, part } from '../api/client.ts';
import type { Person } from '../api/types.ts';
import { duration } from '../lib/format.ts';
import { pathTo, ViewLink } from '../lib/router.tsx';
import { ServerState } from '../parts/state.tsx';
import type { Column } from '../parts/table.tsx';
import { Ago } from '../parts/time.tsx';
import { complain, say } from '../parts/toast.tsx';
import { t } from '../strings/index.ts';

const SHOWN = 2;

export function PersonTags({ admin, blocked, waiting }: Pick<Person, 'admin' | 'blocked' | 'waiting'>) {
  return (
    <>
      {admin && <span className="tag">{t.people.admin}</span>}
      {waiting && <span className="tag warn">{t.people.waiting}</span>}
      {blocked && <span className="tag bad">{t.people.blocked}</span>}
    </>
  );
}

function ServersOf({ servers }: Pick<Person, 'servers'>) {
  const shown = servers.filter(({ phase, failure }) => phase !== 'stopped' || failure);
  if (shown.length === 0) return <span className="muted">–</span>;
  return (
    <span className="stack none">
      {shown.slice(0, SHOWN).map((server) => (
        <span key={server.key} className="row tight">
          <ServerState server={server} />
          {server.name !== '' && <span className="muted small">{server.display_name || server.name}</span>}
        </span>
      ))}
      {shown.length > SHOWN && <span className="muted small">{t.people.more(shown.length - SHOWN)}</span>}
    </span>
  );
}

const list = (names: readonly string[]) =>
  names.length === 0 ? (
    <span className="muted">–</span>
  ) : (
    names.slice(0, 4).join(', ') + (names.length > 4 ? ', …' : '')
  );

export const stopAfterText = (seconds: number | null) =>
  seconds === null
    ? t.person.stopHub
    : seconds === 0
      ? t.person.stopNever
      : t.person.stopAfterLength(duration(seconds));

/** In the order they stand; the name is always there. */
export const COLUMNS: readonly Column<Person>[] = [
  {
    key: 'name',
    label: t.people.columns.name,
    sort: 'name',
    show: (person) => (
      <span className="row tight">
        <ViewLink to={pathTo('people', person.name)}>{person.name}</ViewLink>
        <PersonTags {...person} />
      </span>
    ),
  },
  { key: 'servers', label: t.people.columns.servers, show: (person) => <ServersOf servers={person.servers} /> },
  { key: 'groups', label: t.people.columns.groups, show: ({ groups }) => list(groups) },
  { key: 'roles', label: t.people.columns.roles, show: ({ roles }) => list(roles) },
  {
    key: 'last_activity',
    label: t.people.columns.last_activity,
    sort: 'last_activity',
    show: ({ last_activity: at }) => <Ago at={at} />,
  },
  { key: 'created', label: t.people.columns.created, sort: 'id', show: ({ created }) => <Ago at={created} /> },
  {
    key: 'stop_after',
    label: t.people.columns.stop_after,
    show: ({ stop_after: seconds }) => (
      <span className={seconds === null ? 'muted' : undefined}>{stopAfterText(seconds)}</span>
    ),
  },
];

const USUAL = ['servers', 'groups', 'last_activity'];

/** What people who wait are waiting for. */
export const approving = (reload: () => void): Column<Person> => ({
  key: 'act',
  label: t.people.columns.act,
  show: ({ name, waiting }) => {
    const approve = async () => {
      await call('PATCH', `/atrium/people/${part(name)}`, { waiting: false });
      reload();
      say(t.person.approved(name));
    };
    return (
      waiting && (
        <button type="button" className="slim primary" onClick={() => void approve().catch(complain)}>
          {t.person.approve(name)}
        </button>
      )
    );
  },
});

/** The columns that the address asks for, or the usual ones. */
export function chosenColumns(cols: string): ReadonlySet<string> {
  return new Set(cols === '' ? USUAL : cols.split('.').filter((key) => COLUMNS.some((column) => column.key === key)));
}
