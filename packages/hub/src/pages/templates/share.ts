import { type Html, html } from '../html.ts';
import { ICONS } from '../icons.ts';
import type { PageContext } from '../layout.ts';
import { t } from '../strings.ts';
import { time } from '../times.ts';
import { actionForm, copyable, problem, textField, xsrfInput } from './parts.ts';

/** Somebody who may use the server. */
export interface ShareView {
  kind: 'user' | 'group';
  name: string;
  words: readonly string[];
  since: number;
}

export interface LinkView {
  /** `sc_12` */
  id: string;
  number: number;
  ends: number;
  used: number;
}

export interface ShareModel {
  ctx: PageContext;
  xsrf: string;
  now: number;
  /** Which server the forms are about. */
  fields: { user: string; server: string };
  label: string;
  /** False: everything is shown, and nothing can be changed. */
  mayShare: boolean;
  shares: readonly ShareView[];
  links: readonly LinkView[];
  /** Seconds; what may be chosen. */
  lifetimes: readonly number[];
  /** The link that was just made: shown once. */
  fresh?: string | undefined;
  /** What was just done, and the form that takes it back. */
  done?: { text: string; undo?: Record<string, string> | undefined } | undefined;
  error?: string | undefined;
  given?: { name: string; kind: string } | undefined;
}

const list = (words: readonly string[]) => new Intl.ListFormat('en').format(words);

function people({ ctx, xsrf, now, fields, mayShare, shares }: ShareModel): Html {
  if (shares.length === 0) return html`<p class="muted">${t.share.nobody}</p>`;
  return html`<ul class="rows">${shares.map(({ kind, name, words, since }) => {
    const shown = kind === 'group' ? t.share.group(name) : name;
    const target = { action: `${ctx.urls.hub}share/revoke`, fields: { ...fields, kind, name } };
    const label = html`${t.share.revoke}<span class="visually-hidden"> ${t.share.revokeOf(shown)}</span>`;
    return html`<li><div class="grow"><h3>${shown}</h3><p class="small">${t.share.may(list(words))}</p>
<p class="muted small">${t.share.since} ${time(since, now)}</p></div>
${mayShare && actionForm(target, xsrf, { label, look: 'danger slim' })}</li>\n`;
  })}</ul>`;
}

function adding({ ctx, xsrf, fields, error, given }: ShareModel): Html {
  const hidden = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  const choice = (value: string, label: string) =>
    html`<label class="check"><input type="radio" name="kind" value="${value}"${(given?.kind ?? 'user') === value && html` checked`}><span>${label}</span></label>`;
  return html`<section class="card" aria-labelledby="add"><h2 id="add">${t.share.add}</h2>${problem(error)}
<form class="stack" method="post" action="${ctx.urls.hub}share/add">${xsrfInput(xsrf)}${hidden}
${textField({ name: 'name', label: t.share.name, value: given?.name, autocomplete: 'off', hint: t.share.nameHint, invalid: error !== undefined, focus: error !== undefined })}
<fieldset><legend>${t.share.kind}</legend>${choice('user', t.share.person)}${choice('group', t.share.groupKind)}</fieldset>
<div><button class="primary">${t.share.addButton}</button></div></form></section>`;
}

function links({ ctx, xsrf, now, fields, mayShare, links, lifetimes }: ShareModel): Html {
  const { hub } = ctx.urls;
  const words = (seconds: number) =>
    seconds < 86_400 ? t.share.hours(seconds / 3600) : t.share.days(seconds / 86_400);
  return html`<section class="card" aria-labelledby="links"><h2 id="links">${t.share.links}</h2>
<p class="muted">${t.share.linksText}</p>
${
  links.length > 0 &&
  html`<ul class="rows">${links.map(({ id, number, ends, used }) => {
    const label = html`${t.share.remove}<span class="visually-hidden"> ${t.share.linkName(number)}</span>`;
    const target = { action: `${hub}share/unlink`, fields: { ...fields, id } };
    return html`<li><div class="grow"><h3>${t.share.linkName(number)}</h3><p class="muted small">${t.share.ends} ${time(ends, now)} · ${t.share.used(used)}</p></div>
${mayShare && actionForm(target, xsrf, { label, look: 'danger slim' })}</li>\n`;
  })}</ul>`
}
${
  mayShare &&
  html`<form class="stack" method="post" action="${hub}share/link">${xsrfInput(xsrf)}${Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}
<div class="with-button bottom"><div class="field"><label for="expires_in">${t.share.life}</label><select id="expires_in" name="expires_in">${lifetimes.map(
    (seconds) => html`<option value="${seconds}"${seconds === 86_400 && html` selected`}>${words(seconds)}</option>`,
  )}</select></div><button>${t.share.make}</button></div></form>`
}</section>`;
}

export function sharePage(model: ShareModel): Html {
  const { ctx, xsrf, fields, label, mayShare, done, fresh } = model;
  return html`<h1>${t.share.heading(label)}</h1>
<p class="note">${t.share.warning}</p>
${!mayShare && html`<p class="muted">${t.share.mayNot}</p>`}
${
  done &&
  html`<div class="note ok row between" role="status"><span>${done.text}</span>
${done.undo && actionForm({ action: `${ctx.urls.hub}share/add`, fields: { ...fields, ...done.undo } }, xsrf, { label: t.share.undo, look: 'slim' })}</div>`
}
${
  fresh !== undefined &&
  html`<section class="note ok stack" role="status"><h2>${t.share.fresh}</h2><p>${t.share.once}</p>${copyable(fresh, t.share.fresh)}</section>`
}
<section class="card" aria-labelledby="who"><h2 id="who">${t.share.who}</h2>${people(model)}</section>
${mayShare && adding(model)}
${links(model)}`;
}

/** A server that others let this person use. */
export interface SharedView {
  owner: string;
  server: string;
  /** What its owner calls it; empty for the default one. */
  label: string;
  icon: 'running' | 'starting' | 'stopping' | 'stopped';
  url: string;
  /** By way of this group; then only whoever shares it can end it. */
  group: string | null;
}

export const sharedName = ({ owner, label }: Pick<SharedView, 'owner' | 'label'>) =>
  label === '' ? t.shared.theirs(owner) : t.shared.of(owner, label);

/** On the home page; nothing where nobody shares anything. */
export function sharedServers({
  ctx,
  xsrf,
  shared = [],
}: {
  ctx: PageContext;
  xsrf: string;
  shared?: readonly SharedView[];
}): Html | null {
  if (shared.length === 0) return null;
  return html`<section class="card" aria-labelledby="shared"><h2 id="shared">${t.shared.title}</h2>
<ul class="rows">${shared.map((view) => {
    const { owner, server, icon, url, group } = view;
    const what = sharedName(view);
    const target = { action: `${ctx.urls.hub}share/leave`, fields: { owner, server } };
    const leave = html`${t.shared.leave}<span class="visually-hidden"> ${what}</span>`;
    return html`<li><div class="grow"><h3>${what}</h3>
<p class="small"><span class="state ${icon}">${ICONS[icon]}<span>${t.server.states[icon]}</span></span></p>
<p class="muted small">${group === null ? t.shared.by(owner) : t.shared.byGroup(owner, group)}${icon !== 'running' && html` ${t.shared.notRunning(owner)}`}</p></div>
<div class="row">${icon === 'running' && html`<a class="button slim" href="${url}">${t.shared.open(what)}</a>`}
${group === null && actionForm(target, xsrf, { label: leave, look: 'danger slim', ask: t.shared.leaveAsk(what) })}</div></li>\n`;
  })}</ul></section>`;
}
