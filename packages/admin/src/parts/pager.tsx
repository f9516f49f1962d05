import { count } from '../lib/format.ts';
import { t } from '../strings/index.ts';

/** Where in a long list this page is, and the way on. */
export function Pager({
  offset,
  limit,
  total,
  go,
}: {
  offset: number;
  limit: number;
  total: number;
  go: (offset: number) => void;
}) {
  if (total === 0) return null;
  const last = Math.floor((total - 1) / limit) * limit;
  const step = (to: number, label: string, disabled: boolean) => (
    <button type="button" className="slim" disabled={disabled} onClick={() => go(to)}>
      {label}
    </button>
  );
  return (
    <nav className="row between" aria-label={t.list.pages}>
      <span className="muted small">
        {t.list.range(count(offset + 1), count(Math.min(total, offset + limit)), count(total))}
      </span>
      {total > limit && (
        <span className="row">
          {step(0, t.list.first, offset === 0)}
          {step(Math.max(0, offset - limit), t.list.previous, offset === 0)}
          {step(offset + limit, t.list.next, offset >= last)}
          {step(last, t.list.last, offset >= last)}
        </span>
      )}
    </nav>
  );
}
