import { type FormEvent, useState } from 'react';
import { call, part } from '../api/client.ts';
import type { GroupDetail } from '../api/types.ts';
import { useLoad } from '../api/use-load.ts';
import { count } from '../lib/format.ts';
import { go, pathTo, ViewLink } from '../lib/router.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Search, TextField } from '../parts/fields.tsx';
import { Membership } from '../parts/membership.tsx';
import { Empty, Load } from '../parts/notes.tsx';
import { Pager } from '../parts/pager.tsx';
import { complain, say } from '../parts/toast.tsx';
import { t } from '../strings/index.ts';
import { changeMembers } from './person-groups.tsx';

const LIMIT = 50;

/** One group: who is in it and why, what it gives, and its properties. */
export function GroupView({ name }: { name: string }) {
  const group = useLoad<GroupDetail>(`/atrium/groups/${part(name)}`);
  const back = (
    <p>
      <ViewLink to={pathTo('groups')}>{t.groups.back}</ViewLink>
    </p>
  );
  if (group.error?.status === 404)
    return (
      <>
        {back}
        <Empty title={t.groups.notThere(name)} />
      </>
    );
  return (
    <>
      {back}
      <Load of={group} what={name}>
        {(data) => (
          <>
            <Members group={data} reload={group.reload} />
            <Properties key={JSON.stringify(data.properties)} group={data} reload={group.reload} />
            <Remove group={data} />
          </>
        )}
      </Load>
    </>
  );
}

function Members({ group: { name, members, roles }, reload }: { group: GroupDetail; reload: () => void }) {
  const [names, setNames] = useState('');
  const [q, setQ] = useState('');
  const [offset, setOffset] = useState(0);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const users = names.split(/[\s,;]+/).filter(Boolean);
    if (users.length === 0) return;
    changeMembers('POST', name, users, t.groups.joined(users.join(', '), name), reload).then(
      () => setNames(''),
      complain,
    );
  };
  const fits = members.filter((member) => member.name.toLowerCase().includes(q.toLowerCase()));
  const at = offset < fits.length ? offset : 0;
  return (
    <section className="card" aria-labelledby="members">
      <div className="row between">
        <h2 id="members">
          {t.groups.members} <span className="muted">({count(members.length)})</span>
        </h2>
        <ViewLink to={pathTo('people', undefined, { group: name })}>{t.groups.showAll}</ViewLink>
      </div>
      {roles.length > 0 && (
        <p className="muted small">
          {t.groups.roles}: {roles.join(', ')}
        </p>
      )}
      {members.length > 10 && (
        <Search
          label={t.groups.findMember}
          value={q}
          set={(text) => {
            setQ(text);
            setOffset(0);
          }}
        />
      )}
      {members.length === 0 ? (
        <p className="muted">{t.groups.noMembers}</p>
      ) : fits.length === 0 ? (
        <p className="muted">{t.groups.noMemberFits}</p>
      ) : (
        <ul className="rows close">
          {fits.slice(at, at + LIMIT).map(({ name: user, sources }) => (
            <Membership
              key={user}
              name={user}
              to={pathTo('people', user)}
              sources={sources}
              out={{
                text: t.groups.out,
                label: t.groups.takeOut(user),
                act: () => changeMembers('DELETE', name, [user], t.groups.left(user, name), reload),
              }}
            />
          ))}
        </ul>
      )}
      {fits.length > LIMIT && <Pager offset={at} limit={LIMIT} total={fits.length} go={setOffset} />}
      <form className="with-button bottom" onSubmit={submit}>
        <TextField label={t.groups.addNames} hint={t.people.addHint} value={names} set={setNames} required />
        <button type="submit">{t.groups.addButton}</button>
      </form>
    </section>
  );
}

function Properties({ group: { name, properties }, reload }: { group: GroupDetail; reload: () => void }) {
  const [text, setText] = useState(JSON.stringify(properties, null, 2));
  const [wrong, setWrong] = useState<string>();
  const put = (value: Record<string, unknown>) => call('PUT', `/groups/${part(name)}/properties`, value);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      return setWrong(t.groups.badJson((cause as Error).message));
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return setWrong(t.groups.notObject);
    setWrong(undefined);
    await put(value as Record<string, unknown>);
    reload();
    const undo = () => put(properties).then(reload);
    say(t.saved, () => void undo().catch(complain));
  };
  return (
    <section className="card" aria-labelledby="properties">
      <h2 id="properties">{t.groups.properties}</h2>
      <form className="stack" onSubmit={(event) => void submit(event).catch(complain)}>
        <TextField
          label={t.groups.propertiesLabel}
          hint={t.groups.propertiesText}
          value={text}
          set={setText}
          error={wrong}
          long
        />
        <div>
          <button type="submit">{t.save}</button>
        </div>
      </form>
    </section>
  );
}

function Remove({ group: { name, members, properties, configured } }: { group: GroupDetail }) {
  const [asking, setAsking] = useState(false);
  if (configured || members.some(({ sources }) => sources.some((source) => source !== 'administrator')))
    return <p className="muted small">{t.groups.elsewhere}</p>;
  const path = `/groups/${part(name)}`;
  const remove = async () => {
    await call('DELETE', path);
    const undo = async () => {
      await call('POST', path, { users: members.map((member) => member.name) });
      if (Object.keys(properties).length > 0) await call('PUT', `${path}/properties`, properties);
      go(pathTo('groups', name));
      say(t.undone);
    };
    say(t.groups.removed(name), () => void undo().catch(complain));
    go(pathTo('groups'));
  };
  return (
    <div>
      <button type="button" className="danger" onClick={() => setAsking(true)}>
        {t.groups.remove(name)}
      </button>
      {asking && (
        <Dialog title={t.groups.remove(name)} close={() => setAsking(false)}>
          <p>{t.groups.removeText(members.length)}</p>
          <div className="row">
            <button type="button" className="danger" onClick={() => void remove().catch(complain)}>
              {t.groups.remove(name)}
            </button>
            <button type="button" onClick={() => setAsking(false)}>
              {t.cancel}
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
