import { type FormEvent, useState } from 'react';
import { call, part } from '../api/client.ts';
import type { GroupLine, PersonDetail } from '../api/types.ts';
import { useLoad } from '../api/use-load.ts';
import { pathTo, ViewLink } from '../lib/router.tsx';
import { TextField } from '../parts/fields.tsx';
import { complain, say } from '../parts/toast.tsx';
import { t } from '../strings/index.ts';

/** Puts people into a group, or takes them out; `then` runs after it and after its undoing. */
export async function changeMembers(
  method: 'POST' | 'DELETE',
  group: string,
  users: string[],
  words: string,
  then: () => void,
) {
  const path = `/groups/${part(group)}/users`;
  await call(method, path, { users });
  then();
  const undo = async () => {
    await call(method === 'POST' ? 'DELETE' : 'POST', path, { users });
    then();
    say(t.undone);
  };
  say(words, () => void undo().catch(complain));
}

/** The groups somebody is in and why; what was given here can be taken here. */
export function PersonGroups({
  name,
  groups,
  reload,
}: {
  name: string;
  groups: PersonDetail['groups'];
  reload: () => void;
}) {
  const [group, setGroup] = useState('');
  const known = useLoad<{ items: GroupLine[] }>('/atrium/groups');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const to = group.trim();
    if (to === '') return;
    changeMembers('POST', to, [name], t.person.joined(name, to), reload).then(() => setGroup(''), complain);
  };
  return (
    <section className="card" aria-labelledby="person-groups">
      <h2 id="person-groups">{t.person.groups}</h2>
      {groups.length === 0 ? (
        <p className="muted">{t.person.noGroups}</p>
      ) : (
        <ul className="rows close">
          {groups.map(({ name: of, sources }) => (
            <li key={of}>
              <span className="grow">
                <ViewLink to={pathTo('groups', of)}>{of}</ViewLink>{' '}
                <span className="muted small">
                  {sources.map((source) => t.person.sources[source] ?? source).join(', ')}
                </span>
              </span>
              {sources.every((source) => source === 'administrator') && (
                <button
                  type="button"
                  className="slim"
                  aria-label={t.person.takeOutOf(of)}
                  onClick={() =>
                    void changeMembers('DELETE', of, [name], t.person.left(name, of), reload).catch(complain)
                  }
                >
                  {t.person.takeOut}
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      <form className="with-button bottom" onSubmit={submit}>
        <TextField
          label={t.person.addToGroup}
          value={group}
          set={setGroup}
          list={(known.data?.items ?? [])
            .map((each) => each.name)
            .filter((each) => !groups.some((own) => own.name === each))}
          required
        />
        <button type="submit">{t.person.addButton}</button>
      </form>
    </section>
  );
}
