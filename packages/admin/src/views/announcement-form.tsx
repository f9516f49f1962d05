import { type FormEvent, useEffect, useRef, useState } from 'react';
import { ApiError, call, part } from '../api/client.ts';
import type { Announcement } from '../api/types.ts';
import { localInput } from '../lib/format.ts';
import { Check, Choice, TextField } from '../parts/fields.tsx';
import { Problem } from '../parts/notes.tsx';
import { say } from '../parts/toast.tsx';
import { t } from '../strings/index.ts';

const LONGEST = 500;

const local = (at: string | null | undefined) => (at ? localInput(Date.parse(at)) : '');
const iso = (text: string) => (text === '' ? null : new Date(text).toISOString());

/** Writes a new announcement, or changes one. */
export function AnnouncementForm({
  editing,
  done,
  cancel,
}: {
  editing: Announcement | undefined;
  done: () => void;
  cancel: () => void;
}) {
  const [text, setText] = useState(editing?.text ?? '');
  const [level, setLevel] = useState<string>(editing?.level ?? 'info');
  const [starts, setStarts] = useState(local(editing?.starts_at));
  const [ends, setEnds] = useState(local(editing?.ends_at));
  const [dismissible, setDismissible] = useState(editing?.dismissible ?? true);
  const [wrong, setWrong] = useState<{ text?: string; ends?: string }>({});
  const [error, setError] = useState<ApiError>();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (editing) heading.current?.focus();
  }, [editing]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(undefined);
    if (text.trim() === '') return setWrong({ text: t.announcements.needText });
    if (starts !== '' && ends !== '' && ends <= starts) return setWrong({ ends: t.announcements.wrongOrder });
    setWrong({});
    const body = {
      text: text.trim(),
      level,
      // A field knows minutes: what was not changed keeps its seconds.
      ...(starts !== '' && starts !== local(editing?.starts_at) && { starts_at: iso(starts) }),
      ends_at: iso(ends),
      dismissible,
    };
    try {
      if (editing) await call('PATCH', `/atrium/announcements/${part(String(editing.id))}`, body);
      else await call('POST', '/atrium/announcements', body);
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      return setError(cause);
    }
    say(editing ? t.announcements.changed : t.announcements.published);
    setText('');
    setStarts('');
    setEnds('');
    done();
  };

  return (
    <section className="card" aria-labelledby="announce">
      <h2 id="announce" ref={heading} tabIndex={-1}>
        {editing ? t.announcements.edit : t.announcements.create}
      </h2>
      {error && <Problem error={error} />}
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <TextField
          label={t.announcements.words}
          value={text}
          set={setText}
          error={wrong.text}
          maxLength={LONGEST}
          long
        />
        <div className="row bottom">
          <Choice label={t.announcements.level} value={level} set={setLevel} options={t.announcements.levels} />
          <TextField
            label={t.announcements.starts}
            hint={t.announcements.startsHint}
            type="datetime-local"
            value={starts}
            set={setStarts}
          />
          <TextField
            label={t.announcements.ends}
            hint={t.announcements.endsHint}
            type="datetime-local"
            value={ends}
            set={setEnds}
            error={wrong.ends}
          />
        </div>
        <Check label={t.announcements.dismissible} on={dismissible} set={setDismissible} />
        <div className="row">
          <button type="submit" className="primary">
            {editing ? t.save : t.announcements.publish}
          </button>
          {editing && (
            <button type="button" onClick={cancel}>
              {t.cancel}
            </button>
          )}
        </div>
      </form>
    </section>
  );
}
