import { part, queryText } from '../api/client.ts';
import type { AuditEntry, PersonDetail } from '../api/types.ts';
import { useFollow } from '../api/use-follow.ts';
import { useLoad } from '../api/use-load.ts';
import { pathTo } from '../lib/router.tsx';
import { AuditList } from '../parts/audit.tsx';
import { Load } from '../parts/notes.tsx';
import { t } from '../strings/index.ts';

/** Which rule lets somebody in, or keeps them out. */
export function PersonAccess({ access }: { access: PersonDetail['access'] }) {
  return (
    <section className="card" aria-labelledby="person-access">
      <h2 id="person-access">{access.allowed ? t.person.access : t.person.noAccess}</h2>
      <p>{access.because}</p>
      {access.rules.length > 0 && (
        <details className="small">
          <summary>{t.person.rules}</summary>
          <ul className="rows close">
            {access.rules.map(({ rule, outcome, detail }) => (
              <li key={rule}>
                <span className="grow">
                  <code>{rule}</code> {t.person.outcomes[outcome] ?? outcome}
                  <br />
                  <span className="muted">{detail}</span>
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

export function PersonRoles({ roles, scopes }: Pick<PersonDetail, 'roles' | 'scopes'>) {
  return (
    <section className="card" aria-labelledby="person-roles">
      <h2 id="person-roles">{t.person.roles}</h2>
      <ul className="rows close">
        {roles.map(({ name, description, from }) => (
          <li key={name}>
            <span className="grow stack none">
              <span>
                <strong>{name}</strong> <span className="muted small">{t.person.from(from.join(', '))}</span>
              </span>
              <span className="muted small">{description}</span>
            </span>
          </li>
        ))}
      </ul>
      <details className="small">
        <summary>{t.person.scopes(scopes.length)}</summary>
        <ul className="rows close">
          {scopes.map(({ scope, words }) => (
            <li key={scope}>
              <span className="grow">
                {words} <code className="muted">{scope}</code>
              </span>
            </li>
          ))}
        </ul>
      </details>
    </section>
  );
}

const SHOWN = 10;

export function PersonAudit({ name, sign }: { name: string; sign: string }) {
  const entries = useLoad<{ items: AuditEntry[] }>(`/atrium/audit${queryText({ user: name, limit: SHOWN })}`);
  // Something about the person changed, so there is an entry about it.
  useFollow(sign, entries.reload);
  return (
    <section className="card" aria-labelledby="person-audit">
      <div className="row between">
        <h2 id="person-audit">{t.person.audit}</h2>
        <a href={pathTo('audit', undefined, { user: name })}>{t.person.allAudit}</a>
      </div>
      <Load of={entries} what={t.person.audit}>
        {({ items }) =>
          items.length === 0 ? <p className="muted">{t.person.noAudit}</p> : <AuditList entries={items} />
        }
      </Load>
    </section>
  );
}

interface UsageAnswer {
  total: { dollars: number; hours: number };
  warning: string | null;
}

export function PersonUsage({ name }: { name: string }) {
  const usage = useLoad<UsageAnswer>(`/atrium/users/${part(name)}/usage`);
  return (
    <section className="card" aria-labelledby="person-usage">
      <h2 id="person-usage">{t.person.usage}</h2>
      <Load of={usage} what={t.person.usage}>
        {({ total, warning }) => (
          <>
            <p>{t.person.usageText(total.hours.toFixed(1), `$${total.dollars.toFixed(2)}`)}</p>
            {warning && <p className="note busy">{warning}</p>}
          </>
        )}
      </Load>
    </section>
  );
}
