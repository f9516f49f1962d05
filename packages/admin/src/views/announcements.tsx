import { useState } from 'react';
import { call, part } from '../api/client.ts';
import type { Announcement } from '../api/types.ts';
import { useLoad } from '../api/use-load.ts';
import { exactTime } from '../lib/format.ts';
import { Empty, Load } from '../parts/notes.tsx';
import { complain, say } from '../parts/toast.tsx';
import { t } from '../strings/index.ts';
import { AnnouncementForm } from './announcement-form.tsx';

const PATH = '/atrium/announcements';

/** What everybody is told, now and later. */
export function Announcements() {
  const all = useLoad<{ items: Announcement[] }>(PATH);
  const [editing, setEditing] = useState<Announcement>();
  const remove = async ({ id, text, level, starts_at, ends_at, dismissible }: Announcement) => {
    await call('DELETE', `${PATH}/${part(String(id))}`);
    if (editing?.id === id) setEditing(undefined);
    all.reload();
    const undo = () => call('POST', PATH, { text, level, starts_at, ends_at, dismissible }).then(all.reload);
    say(t.announcements.removed, () => void undo().catch(complain));
  };
  return (
    <>
      <p className="muted">{t.announcements.text}</p>
      <section className="card" aria-label={t.announcements.title}>
        <Load of={all} what={t.announcements.what}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title={t.announcements.none}>{t.announcements.noneHint}</Empty>
            ) : (
              <ul className="rows">
                {items.map((one) => (
                  <li key={one.id}>
                    <div className="grow stack none">
                      <p className="row tight">
                        <span className={`tag ${one.state === 'shown' ? 'done' : ''}`}>
                          {t.announcements.states[one.state]}
                        </span>
                        {one.level === 'warning' && <span className="tag warn">{t.announcements.levels.warning}</span>}
                      </p>
                      <p>{one.text}</p>
                      <p className="muted small">
                        {t.announcements.from} {exactTime(Date.parse(one.starts_at))} {t.announcements.until}{' '}
                        {one.ends_at ? exactTime(Date.parse(one.ends_at)) : t.announcements.noEnd} ·{' '}
                        {t.announcements.by(one.by)}
                      </p>
                    </div>
                    <span className="row">
                      <button
                        type="button"
                        className="slim"
                        aria-label={t.announcements.changeOf(one.text)}
                        onClick={() => setEditing(one)}
                      >
                        {t.announcements.change}
                      </button>
                      <button
                        type="button"
                        className="slim danger"
                        aria-label={t.announcements.endOf(one.text)}
                        onClick={() => void remove(one).catch(complain)}
                      >
                        {t.announcements.end}
                      </button>
                    </span>
                  </li>
                ))}
              </ul>
            )
          }
        </Load>
      </section>
      <AnnouncementForm
        key={editing?.id ?? 'new'}
        editing={editing}
        done={() => {
          setEditing(undefined);
          all.reload();
        }}
        cancel={() => setEditing(undefined)}
      />
    </>
  );
}
