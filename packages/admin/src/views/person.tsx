import { useMemo } from 'react';
import { part } from '../api/client.ts';
import type { LiveServer, Overview, PersonDetail } from '../api/types.ts';
import { useFollow } from '../api/use-follow.ts';
import { useLoad } from '../api/use-load.ts';
import { useServers } from '../api/use-servers.ts';
import { pathTo, ViewLink } from '../lib/router.tsx';
import { Empty, Load } from '../parts/notes.tsx';
import { ServerActions } from '../parts/server-actions.tsx';
import { ServerState } from '../parts/state.tsx';
import { Ago, Since } from '../parts/time.tsx';
import { t } from '../strings/index.ts';
import { PersonTags } from './people-columns.tsx';
import { IdleChoice, PersonActions } from './person-actions.tsx';
import { PersonAccess, PersonAudit, PersonRoles, PersonUsage } from './person-facts.tsx';
import { PersonGroups } from './person-groups.tsx';
import { PersonTokens } from './person-tokens.tsx';

/** Everything about one person. */
export function PersonView({ name }: { name: string }) {
  const detail = useLoad<PersonDetail>(`/atrium/people/${part(name)}`);
  const overview = useLoad<Overview>('/atrium/overview');
  const live = useServers();
  // What the stream drops has stopped: then the answer knows why.
  const sign = [...live.rows.values()].filter(({ user }) => user === name).map(({ key, phase }) => `${key} ${phase}`);
  useFollow(live.state === 'live' ? sign.sort().join() : undefined, detail.reload);
  const back = (
    <p>
      <ViewLink to={pathTo('people')}>{t.person.back}</ViewLink>
    </p>
  );
  if (detail.error?.status === 404)
    return (
      <>
        {back}
        <Empty title={t.person.none(name)}>{t.person.noneHint}</Empty>
      </>
    );
  return (
    <>
      {back}
      <Load of={detail} what={t.person.what(name)}>
        {(data) => (
          <>
            <Head detail={data} overview={overview.data} reload={detail.reload} />
            <div className="halves">
              <PersonServers detail={data} rows={live.rows} overview={overview.data} reload={detail.reload} />
              <PersonGroups name={name} groups={data.groups} reload={detail.reload} />
              <PersonAccess access={data.access} />
              <PersonRoles roles={data.roles} scopes={data.scopes} />
              <PersonTokens name={name} />
              {overview.data?.features.money && <PersonUsage name={name} />}
            </div>
            <PersonAudit name={name} sign={JSON.stringify([data.person, data.groups, data.tokens])} />
          </>
        )}
      </Load>
    </>
  );
}

function Head({
  detail: { person, sessions },
  overview,
  reload,
}: {
  detail: PersonDetail;
  overview: Overview | undefined;
  reload: () => void;
}) {
  return (
    <section className="card" aria-label={person.name}>
      {(person.admin || person.blocked || person.waiting) && (
        <p className="row">
          <PersonTags {...person} />
        </p>
      )}
      <dl className="facts wide">
        <div>
          <dt>{t.person.lastActive}</dt>
          <dd>
            <Ago at={person.last_activity} />
          </dd>
        </div>
        <div>
          <dt>{t.person.since}</dt>
          <dd>
            <Ago at={person.created} />
          </dd>
        </div>
        <div>
          <dt>{t.person.sessions}</dt>
          <dd>{sessions}</dd>
        </div>
        <div>
          <dt>{t.person.stopAfter}</dt>
          <dd>
            <IdleChoice person={person} hub={overview?.features.idle_stop_after} reload={reload} />
          </dd>
        </div>
      </dl>
      <PersonActions person={person} features={overview?.features} reload={reload} />
    </section>
  );
}

function PersonServers({
  detail: { person },
  rows,
  overview,
  reload,
}: {
  detail: PersonDetail;
  rows: ReadonlyMap<string, LiveServer>;
  overview: Overview | undefined;
  reload: () => void;
}) {
  // The answer knows the stopped ones; the stream knows better about the others.
  const servers = useMemo(() => {
    const all = new Map(person.servers.map((server) => [server.key, server]));
    for (const [key, server] of rows) if (server.user === person.name) all.set(key, server);
    return [...all.values()].sort((a, b) => a.name.localeCompare(b.name));
  }, [person, rows]);
  return (
    <section className="card" aria-labelledby="person-servers">
      <h2 id="person-servers">{t.person.servers}</h2>
      {servers.length === 0 ? (
        <p className="muted">{t.person.noServers}</p>
      ) : (
        <ul className="rows">
          {servers.map((server) => (
            <li key={server.key}>
              <span className="grow stack none">
                <strong>{server.name === '' ? t.servers.default : server.display_name || server.name}</strong>
                <span className="row tight">
                  <ServerState server={server} />
                  {server.phase !== 'stopped' && server.since && (
                    <span className="muted small">
                      <Since at={server.since} />
                    </span>
                  )}
                </span>
                {server.failure && server.phase === 'stopped' && (
                  <span className="small">{server.failure.message}</span>
                )}
              </span>
              <ServerActions server={server} hasLog={overview?.features.server_log ?? false} changed={reload} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
