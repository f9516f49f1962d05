import { type FormEvent, useState } from 'react';
import { call, get, part } from '../api/client.ts';
import type { GroupLine, PersonDetail } from '../api/types.ts';
import { useLoad } from '../api/use-load.ts';
import { pathTo } from '../lib/router.tsx';
import { TextField } from '../parts/fields.tsx';
import { Membership } from '../parts/membership.tsx';
import { complain, say } from '../parts/toast.tsx';
import { t } from '../strings/index.ts';

interface GroupUsers {
  users?: string[];
}

/**
 * Puts people into a group, or takes them out; `then` runs after it and after its undoing. Undone is only what it did:
 * who was in the group before stays in it.
 */
export async function changeMembers(
  method: 'POST' | 'DELETE',
  group: string,
  users: string[],
  words: string,
  then: () => void,
) {
  const path = `/groups/${part(group)}`;
  // Names are compared as the hub writes them, which need not be how somebody typed them.
  const { users: before = [] } = await get<GroupUsers>(path);
  const { users: after = [] } = await call<GroupUsers>(method, `${path}/users`, { users });
  then();
  const [more, less] = method === 'POST' ? [after, before] : [before, after];
  const known = new Set(less);
  const changed = more.filter((name) => !known.has(name));
  const undo = async () => {
    await call(method === 'POST' ? 'DELETE' : 'POST', `${path}/users`, { users: changed });
    then();
    say(t.undone);
  };
  say(words, changed.length > 0 ? () => void undo().catch(complain) : undefined);
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
            <Membership
              key={of}
              name={of}
              to={pathTo('groups', of)}
              sources={sources}
              out={{
                text: t.person.takeOut,
                label: t.person.takeOutOf(of),
                act: () => changeMembers('DELETE', of, [name], t.person.left(name, of), reload),
              }}
            />
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
