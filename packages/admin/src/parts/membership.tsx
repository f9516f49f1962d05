import { ViewLink } from '../lib/router.tsx';
import { t } from '../strings/index.ts';
import { complain } from './toast.tsx';

/** One who is in a group, or one group that somebody is in: why, and a way out where it was given here. */
export function Membership({
  name,
  to,
  sources,
  out,
}: {
  name: string;
  /** The page of that person or group. */
  to: string;
  sources: readonly string[];
  out: { text: string; label: string; act: () => Promise<void> };
}) {
  return (
    <li>
      <span className="grow">
        <ViewLink to={to}>{name}</ViewLink>{' '}
        <span className="muted small">{sources.map((source) => t.person.sources[source] ?? source).join(', ')}</span>
      </span>
      {sources.every((source) => source === 'administrator') && (
        <button type="button" className="slim" aria-label={out.label} onClick={() => void out.act().catch(complain)}>
          {out.text}
        </button>
      )}
    </li>
  );
}
