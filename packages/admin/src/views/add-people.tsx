import { type FormEvent, useState } from 'react';
import { ApiError, call } from '../api/client.ts';
import { Check, TextField } from '../parts/fields.tsx';
import { Problem } from '../parts/notes.tsx';
import { complain, say } from '../parts/toast.tsx';
import { t } from '../strings/index.ts';

/** Accounts for some people, by typing their names. */
export function AddPeople({ added }: { added: () => void }) {
  const [names, setNames] = useState('');
  const [admin, setAdmin] = useState(false);
  const [error, setError] = useState<ApiError>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const usernames = names.split(/[\s,;]+/).filter(Boolean);
    if (usernames.length === 0) return;
    setError(undefined);
    try {
      const made = await call<{ name: string }[]>('POST', '/users', { usernames, admin });
      setNames('');
      setAdmin(false);
      added();
      const undo = async () => {
        for (const { name } of made) await call('DELETE', `/users/${encodeURIComponent(name)}`);
        added();
        say(t.undone);
      };
      say(t.people.added(made.map(({ name }) => name).join(', ')), () => void undo().catch(complain));
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setError(cause);
    }
  };
  return (
    <details className="adder">
      <summary className="button primary">{t.people.add}</summary>
      <form className="card" onSubmit={(event) => void submit(event)}>
        {error && <Problem error={error} />}
        <TextField label={t.people.addNames} hint={t.people.addHint} value={names} set={setNames} required />
        <Check label={t.people.addAdmin} on={admin} set={setAdmin} />
        <div>
          <button type="submit" className="primary">
            {t.people.addButton}
          </button>
        </div>
      </form>
    </details>
  );
}
