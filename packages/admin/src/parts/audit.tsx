import type { AuditEntry } from '../api/types.ts';
import { pathTo, ViewLink } from '../lib/router.tsx';
import { Ago } from './time.tsx';

function Whom({ of }: { of: AuditEntry['of'] }) {
  if (!of) return null;
  if (of.kind === 'user') return <ViewLink to={pathTo('people', of.name)}>{of.name}</ViewLink>;
  if (of.kind === 'group') return <ViewLink to={pathTo('groups', of.name)}>{of.name}</ViewLink>;
  if (of.kind === 'server' && of.owner !== null) return <ViewLink to={pathTo('people', of.owner)}>{of.name}</ViewLink>;
  return <>{of.name}</>;
}

/** Entries of the audit trail, newest first, in one line each. */
export function AuditList({ entries }: { entries: readonly AuditEntry[] }) {
  return (
    <ul className="rows close">
      {entries.map(({ id, time, action, by, of, from }) => (
        <li key={id}>
          <span className="grow">
            <code>{action}</code> <Whom of={of} />{' '}
            <span className="muted small">
              {by.name === '' ? by.kind : by.name}
              {from && ` · ${from}`}
            </span>
          </span>
          <span className="muted small">
            <Ago at={time} />
          </span>
        </li>
      ))}
    </ul>
  );
}
