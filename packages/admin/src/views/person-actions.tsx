import { useState } from 'react';
import { call, part } from '../api/client.ts';
import type { BulkRow, Overview, Person } from '../api/types.ts';
import { facts } from '../lib/facts.ts';
import { duration, exactTime } from '../lib/format.ts';
import { go, pathTo } from '../lib/router.tsx';
import { BulkDialog } from '../parts/bulk.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { complain, say } from '../parts/toast.tsx';
import { t } from '../strings/index.ts';

/** Seconds after which servers may be set to stop, beside never and what the hub does. */
const IDLE = [900, 1800, 3600, 7200, 14_400, 28_800, 86_400];

const change = (name: string, values: Record<string, unknown>) => call('PATCH', `/atrium/people/${part(name)}`, values);

/** When somebody's servers stop by themselves. Saved at once, with the way back. */
export function IdleChoice({ person, hub, reload }: { person: Person; hub: number | undefined; reload: () => void }) {
  const { name, stop_after: own } = person;
  const set = async (value: number | null, before: number | null) => {
    await change(name, { stop_after: value });
    reload();
    say(t.saved, () => void set(before, value).catch(complain));
  };
  const usual = hub === undefined ? t.person.stopHub : hub === 0 ? t.person.hubNever : t.person.hubIdle(duration(hub));
  const choices = own === null || own === 0 || IDLE.includes(own) ? IDLE : [own, ...IDLE];
  return (
    <select
      className="slim"
      aria-label={t.person.stopAfter}
      value={own ?? ''}
      onChange={({ target: { value } }) => void set(value === '' ? null : Number(value), own).catch(complain)}
    >
      <option value="">{usual}</option>
      <option value="0">{t.person.stopNever}</option>
      {choices.map((seconds) => (
        <option key={seconds} value={seconds}>
          {t.person.stopAfterLength(duration(seconds))}
        </option>
      ))}
    </select>
  );
}

interface Link {
  url: string;
  expires_at: string;
}

/** What can be done with the account as a whole. */
export function PersonActions({
  person,
  features,
  reload,
}: {
  person: Person;
  features: Overview['features'] | undefined;
  reload: () => void;
}) {
  const { name, admin, blocked, waiting } = person;
  const [link, setLink] = useState<Link>();
  const [removing, setRemoving] = useState(false);
  const self = name === facts().user;

  const act = async (work: () => Promise<unknown>, words: string, undo?: () => Promise<void>) => {
    try {
      await work();
      reload();
      say(words, undo && (() => void undo()));
    } catch (cause) {
      complain(cause);
    }
  };
  const block = (to: boolean): Promise<void> =>
    act(
      () => change(name, { blocked: to }),
      to ? t.person.blocked(name) : t.person.unblocked(name),
      () => block(!to),
    );
  const administrate = (to: boolean): Promise<void> =>
    act(
      () => call('PATCH', `/users/${part(name)}`, { admin: to }),
      to ? t.person.madeAdmin(name) : t.person.removedAdmin(name),
      () => administrate(!to),
    );
  // When the account is still there, so is the page: the dialog says why.
  const removed = (rows: readonly BulkRow[]) => {
    if (!rows.some(({ outcome }) => outcome === 'done')) return reload();
    say(t.person.removed(name));
    go(pathTo('people'));
  };
  const makeLink = () => call<Link>('POST', `/atrium/people/${part(name)}/password-link`).then(setLink, complain);

  return (
    <div className="row">
      {waiting && (
        <button
          type="button"
          className="slim primary"
          onClick={() => void act(() => change(name, { waiting: false }), t.person.approved(name))}
        >
          {t.person.approve(name)}
        </button>
      )}
      {features?.accounts && !waiting && (
        <button type="button" className="slim" onClick={() => void makeLink()}>
          {t.person.link(name)}
        </button>
      )}
      {!self && !waiting && (
        <>
          <button type="button" className="slim" onClick={() => void administrate(!admin)}>
            {admin ? t.person.removeAdmin(name) : t.person.makeAdmin(name)}
          </button>
          <button type="button" className={blocked ? 'slim' : 'slim danger'} onClick={() => void block(!blocked)}>
            {blocked ? t.person.unblock(name) : t.person.block(name)}
          </button>
        </>
      )}
      {!self && (
        <button type="button" className="slim danger" onClick={() => setRemoving(true)}>
          {waiting ? t.person.decline(name) : t.person.remove(name)}
        </button>
      )}
      {removing && (
        <BulkDialog
          task={{ action: 'delete', target: { people: [name] } }}
          groups={[]}
          homesDeleted={features?.home_deleted_with_person}
          close={() => setRemoving(false)}
          done={removed}
        />
      )}
      {link && <LinkDialog name={name} link={link} close={() => setLink(undefined)} />}
    </div>
  );
}

function LinkDialog({ name, link, close }: { name: string; link: Link; close: () => void }) {
  const [copied, setCopied] = useState(false);
  const url = new URL(link.url, location.href).href;
  return (
    <Dialog title={t.person.linkTitle(name)} close={close}>
      <p>{t.person.linkText(exactTime(Date.parse(link.expires_at)))}</p>
      <div className="with-button bottom">
        <div className="field">
          <label htmlFor="password-link">{t.person.linkLabel}</label>
          <input id="password-link" className="code" readOnly value={url} onFocus={(event) => event.target.select()} />
        </div>
        <button type="button" onClick={() => void navigator.clipboard.writeText(url).then(() => setCopied(true))}>
          {copied ? t.person.copied : t.person.copy}
        </button>
      </div>
    </Dialog>
  );
}
