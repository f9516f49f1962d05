import type { ReactNode } from 'react';
import { queryText } from '../api/client.ts';
import type { AuditEntry, Overview } from '../api/types.ts';
import { useFollow } from '../api/use-follow.ts';
import { useLoad } from '../api/use-load.ts';
import { useServers } from '../api/use-servers.ts';
import { bytes, count } from '../lib/format.ts';
import { pathTo, ViewLink } from '../lib/router.tsx';
import { AuditList } from '../parts/audit.tsx';
import { Icon } from '../parts/icons.tsx';
import { Load } from '../parts/notes.tsx';
import { stateOf } from '../parts/state.tsx';
import { Ago } from '../parts/time.tsx';
import { t } from '../strings/index.ts';
import { ChartsPart } from './charts.tsx';

/** Figures are asked for again when the stream says that servers changed, and a burst of that is over, ms. */
const CALM = 3_000;

/** Four questions at a glance: who is on, is anything broken, are we near a limit, what changed today. */
export function OverviewView() {
  const overview = useLoad<Overview>('/atrium/overview');
  const live = useServers();
  const phases = [...live.rows.values()].map((row) => stateOf(row)).sort();
  useFollow(live.state === 'live' ? phases.join() : undefined, overview.reload, CALM);
  return (
    <>
      <Load of={overview} what={t.overview.what}>
        {(data) => (
          <div className="halves">
            <Who data={data} />
            <Limits data={data}>{data.features.money && <Money />}</Limits>
            <Broken data={data} />
            <Changed data={data} />
          </div>
        )}
      </Load>
      <ChartsPart />
    </>
  );
}

function Who({ data: { people } }: { data: Overview }) {
  return (
    <section className="card" aria-labelledby="who">
      <h2 id="who">{t.overview.who}</h2>
      <p className="figure">
        <strong>{t.overview.now(count(people.active_now))}</strong> <span className="muted">{t.overview.nowHint}</span>
      </p>
      <p>
        {t.overview.today(count(people.active_today))} ·{' '}
        <ViewLink to={pathTo('people')}>{t.overview.total(count(people.total))}</ViewLink>
      </p>
      {people.waiting > 0 && (
        <p className="note busy">
          <ViewLink to={pathTo('people', undefined, { account: 'waiting' })}>
            {t.overview.waiting(count(people.waiting))}
          </ViewLink>
        </p>
      )}
    </section>
  );
}

function Broken({ data: { problems } }: { data: Overview }) {
  return (
    <section className="card" aria-labelledby="broken">
      <h2 id="broken">{t.overview.broken}</h2>
      {problems.length === 0 ? (
        <p className="state running">
          <Icon name="done" />
          <span>{t.overview.nothingBroken}</span>
        </p>
      ) : (
        <>
          <p className="state problem">
            <Icon name="problem" />
            <span>{t.overview.problems(problems.length)}</span>
          </p>
          <ul className="rows close">
            {problems.map(({ kind, text, since, link_to: link }) => (
              <li key={kind + text}>
                <span className="grow">
                  <span className="tag">{t.overview.kinds[kind] ?? kind}</span> {text}
                </span>
                <span className="muted small row tight">
                  {since && <Ago at={since} />}
                  {link?.kind === 'server' && (
                    <ViewLink to={pathTo('people', link.name.split('/')[0] ?? '')}>{link.name.split('/')[0]}</ViewLink>
                  )}
                  {link?.kind === 'service' && <ViewLink to={pathTo('services')}>{link.name}</ViewLink>}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

/** How full, as a bar; the words beside it say the same. */
function Fill({ part, of }: { part: number; of: number }) {
  const share = of > 0 ? Math.min(1, part / of) : 0;
  return (
    <svg className="fill" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect className="track" width="100" height="6" />
      <rect className={share > 0.9 ? 'ink bad' : 'ink'} width={share * 100} height="6" />
    </svg>
  );
}

/** Where servers cost money: what the month has come to. */
function Money() {
  const usage = useLoad<{ total: { dollars: number; hours: number } }>('/atrium/usage');
  return (
    <Load of={usage} what={t.nav.costs}>
      {({ total }) => (
        <p>
          <a href={pathTo('usage')}>{t.overview.money(`$${total.dollars.toFixed(2)}`, total.hours.toFixed(0))}</a>
        </p>
      )}
    </Load>
  );
}

function Limits({ data: { limits, servers, usage }, children }: { data: Overview; children: ReactNode }) {
  return (
    <section className="card" aria-labelledby="limits">
      <h2 id="limits">{t.overview.limit}</h2>
      <p className="figure">
        <ViewLink to={pathTo('servers')}>
          <strong>{t.overview.ready(count(servers.ready))}</strong>
        </ViewLink>
        {servers.starting > 0 && ` · ${t.overview.starting(count(servers.starting))}`}
        {servers.stopping > 0 && ` · ${t.overview.stopping(count(servers.stopping))}`}
      </p>
      {limits.active_limit === null ? (
        <p className="muted">{t.overview.noLimit}</p>
      ) : (
        <div className="stack none">
          <p>{t.overview.active(count(limits.active), count(limits.active_limit))}</p>
          <Fill part={limits.active} of={limits.active_limit} />
        </div>
      )}
      <p>
        {servers.queued > 0 ? (
          <>
            <strong>{t.overview.queued(count(servers.queued))}</strong>
            {limits.oldest_queued && (
              <>
                , <Ago at={limits.oldest_queued} />
              </>
            )}
          </>
        ) : (
          t.overview.noQueue
        )}{' '}
        <span className="muted">{t.overview.concurrency(count(limits.concurrency))}</span>
      </p>
      {usage &&
        (usage.memory_limit === null ? (
          <p>{t.overview.memoryUsed(bytes(usage.memory))}</p>
        ) : (
          <div className="stack none">
            <p>{t.overview.memory(bytes(usage.memory), bytes(usage.memory_limit))}</p>
            <Fill part={usage.memory} of={usage.memory_limit} />
          </div>
        ))}
      {children}
    </section>
  );
}

function Changed({ data: { today } }: { data: Overview }) {
  const entries = useLoad<{ items: AuditEntry[] }>(`/atrium/audit${queryText({ since: today.since, limit: 6 })}`);
  return (
    <section className="card" aria-labelledby="changed">
      <div className="row between">
        <h2 id="changed">{t.overview.changed}</h2>
        <a href={pathTo('audit')}>{t.overview.allChanges}</a>
      </div>
      <p>
        {[
          t.overview.starts(count(today.starts)),
          t.overview.failed(count(today.failed)),
          t.overview.added(count(today.people_added)),
        ].join(' · ')}
      </p>
      <Load of={entries} what={t.overview.lastChanges}>
        {({ items }) =>
          items.length === 0 ? <p className="muted">{t.overview.noChanges}</p> : <AuditList entries={items} />
        }
      </Load>
    </section>
  );
}
