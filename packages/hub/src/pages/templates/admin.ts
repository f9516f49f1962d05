import { type Html, html } from '../html.ts';
import { ICONS } from '../icons.ts';
import type { PageContext } from '../layout.ts';
import type { ServerView } from '../server-view.ts';
import { t } from '../strings.ts';
import { exactTime, time } from '../times.ts';
import { stateLine } from './home.ts';
import { hubIdleText, idleForm } from './idle.ts';
import { actionForm, copyable, problem, textField, xsrfInput } from './parts.ts';
import { endingText } from './stay.ts';

export interface PersonView {
  name: string;
  admin: boolean;
  blocked: boolean;
  lastActivity: number | null;
  /** Their idle setting, s; null = the hub's; 0 = never. */
  stopAfter: number | null;
  /** Without the default one when it was never started. */
  servers: readonly ServerView[];
  /** Somebody else: one cannot block oneself. */
  other: boolean;
}

export type StateFilter = 'all' | 'active' | 'inactive';

export interface AdminModel {
  ctx: PageContext;
  xsrf: string;
  now: number;
  people: readonly PersonView[];
  /** How many the filter covers, and how many there are on the pages before. */
  total: number;
  offset: number;
  limit: number;
  filter: { q: string; state: StateFilter };
  waiting: readonly { name: string; created: number }[];
  running: number;
  /** What upkeep found that somebody should look at, newest first. */
  alerts: readonly { message: string; firstAt: number; lastAt: number }[];
  /** What is not in force on this machine. */
  warnings: readonly string[];
  idle: { hub: number; choices: readonly number[] };
  /** The hub keeps accounts of its own: passwords can be reset. */
  accounts: boolean;
  error?: string | undefined;
  done?: string | undefined;
  /** A link that was just made, complete. */
  link?: { name: string; url: string; expiresAt: number } | undefined;
}

/** The same page with other parameters; every view has an address. */
export function adminUrl(ctx: PageContext, view: { q?: string; state?: string; offset?: number }): string {
  const query = new URLSearchParams();
  if (view.q) query.set('q', view.q);
  if (view.state && view.state !== 'all') query.set('state', view.state);
  if (view.offset) query.set('offset', String(view.offset));
  return `${ctx.urls.hub}admin/plain${query.size > 0 ? `?${query}` : ''}`;
}

/** A form of this page: `back` brings the administrator to the view they were in. */
function form(
  model: AdminModel,
  path: string,
  fields: Record<string, string>,
  button: Parameters<typeof actionForm>[2],
): Html {
  const { ctx, xsrf, filter, offset } = model;
  const target = { action: ctx.urls.hub + path, fields: { ...fields, back: adminUrl(ctx, { ...filter, offset }) } };
  return actionForm(target, xsrf, button);
}

function serverLine(model: AdminModel, { name }: PersonView, view: ServerView): Html {
  const target = { user: name, server: view.name };
  const label = view.name === '' ? t.server.theirs(name) : t.admin.named(view.label, name);
  const button = (text: string, of: string) => html`${text}<span class="visually-hidden"> ${of}</span>`;
  return html`<div class="row"><span class="grow">${view.name !== '' && html`<strong>${view.label}</strong> `}${stateLine(view, model.now)}${
    view.why !== '' && html`<br><span class="muted small">${view.why}</span>`
  }${view.stay?.ending && html`<br><span class="small">${endingText(view.stay, model.now)}</span>`}</span>${view.running && html`<a class="button slim" href="${view.url}">${button(t.admin.open, label)}</a>`}${
    view.running || view.pending === 'spawn'
      ? form(model, 'home/stop', target, { label: button(t.admin.stop, label), look: 'danger slim' })
      : view.pending === null &&
        form(model, 'home/start', target, { label: button(t.admin.start, label), look: 'slim' })
  }</div>`;
}

function stopWithNote(model: AdminModel, name: string, view: ServerView, id: string): Html {
  const { ctx, xsrf, filter, offset } = model;
  const label = view.name === '' ? t.server.theirs(name) : t.admin.named(view.label, name);
  const hidden = (key: string, value: string) => html`<input type="hidden" name="${key}" value="${value}">`;
  return html`<form class="row bottom" method="post" action="${ctx.urls.hub}home/stop">${xsrfInput(xsrf)}${hidden('user', name)}${hidden('server', view.name)}${hidden('back', adminUrl(ctx, { ...filter, offset }))}
<div class="field"><label for="${id}">${t.admin.noteFor(name)}</label><input id="${id}" name="note" type="text" maxlength="300" autocomplete="off"></div>
<button class="danger slim">${t.admin.stopWithNote(label)}</button></form>`;
}

function more(model: AdminModel, { name, servers, blocked, other, stopAfter }: PersonView, index: number): Html {
  const { ctx, xsrf, filter, offset, idle } = model;
  const back = adminUrl(ctx, { ...filter, offset });
  const target = { action: `${ctx.urls.hub}home/idle`, fields: { user: name, back } };
  const setting = { target, xsrf, id: `idle-${index}`, label: t.idle.of(name), unset: hubIdleText(idle.hub) };
  const active = servers.filter((view) => view.running || view.pending === 'spawn');
  return html`<details class="small"><summary>${t.admin.more}<span class="visually-hidden"> ${name}</span></summary><div class="stack">
${active.map((view, at) => stopWithNote(model, name, view, `note-${index}-${at}`))}
${idleForm({ ...setting, own: stopAfter, choices: idle.choices })}
<div class="row">${model.accounts && form(model, 'admin/reset-link', { user: name }, { label: t.admin.resetLink(name), look: 'slim' })}
${other && form(model, 'admin/block', { user: name, blocked: blocked ? '0' : '1' }, { label: blocked ? t.admin.unblock(name) : t.admin.block(name), look: blocked ? 'slim' : 'danger slim' })}
${other && html`<a class="button danger slim" href="${model.ctx.urls.hub}admin/delete?user=${encodeURIComponent(name)}">${t.admin.remove(name)}</a>`}</div>
</div></details>`;
}

function row(model: AdminModel, person: PersonView, index: number): Html {
  const { name, admin, blocked, lastActivity, servers } = person;
  return html`<tr><th scope="row">${name}${admin && html` <span class="tag">${t.admin.isAdmin}</span>`}${blocked && html` <span class="tag bad">${t.admin.isBlocked}</span>`}</th>
<td><div class="stack tight">${
    servers.length > 0
      ? servers.map((view) => serverLine(model, person, view))
      : html`<div class="row"><span class="grow state stopped">${ICONS.stopped}<span>${t.admin.neverStarted}</span></span>${form(model, 'home/start', { user: name, server: '' }, { label: html`${t.admin.start}<span class="visually-hidden"> ${t.server.theirs(name)}</span>`, look: 'slim' })}</div>`
  }
${more(model, person, index)}</div></td>
<td data-label="${t.admin.lastActive}">${lastActivity === null ? t.admin.never : time(lastActivity, model.now)}</td></tr>\n`;
}

function waitingList(model: AdminModel): Html | null {
  const { waiting, now } = model;
  if (waiting.length === 0) return null;
  return html`<section class="card" aria-labelledby="waiting"><h2 id="waiting">${t.admin.waiting(waiting.length)}</h2>
<ul class="rows">${waiting.map(
    ({
      name,
      created,
    }) => html`<li><span class="grow"><strong>${name}</strong> <span class="muted small">${t.admin.asked} ${time(created, now)}</span></span>
<div class="row">${form(model, 'admin/approve', { user: name }, { label: t.admin.approve(name), look: 'primary slim' })}${form(model, 'admin/decline', { user: name }, { label: t.admin.decline(name), look: 'danger slim', ask: t.admin.declineAsk(name) })}</div></li>\n`,
  )}</ul></section>`;
}

function alertList({ alerts, now }: AdminModel): Html | null {
  if (alerts.length === 0) return null;
  return html`<section class="note bad" aria-labelledby="alerts"><h2 id="alerts">${t.admin.alerts(alerts.length)}</h2>
<ul>${alerts.map(({ message, firstAt, lastAt }) => html`<li>${message} <span class="small">${t.admin.seenFirst} ${time(firstAt, now)}${lastAt > firstAt && html`, ${t.admin.seenLast} ${time(lastAt, now)}`}</span></li>`)}</ul></section>`;
}

function pages({ ctx, filter, offset, limit, total }: AdminModel): Html | null {
  if (total <= limit) return null;
  const link = (to: number, label: string, ok: boolean) =>
    ok && html`<a class="button slim" href="${adminUrl(ctx, { ...filter, offset: Math.max(0, to) })}">${label}</a>`;
  return html`<nav class="row between" aria-label="${t.admin.pages}"><span class="muted small">${t.admin.range(offset + 1, Math.min(total, offset + limit), total)}</span>
<span class="row">${link(offset - limit, t.admin.previous, offset > 0)}${link(offset + limit, t.admin.next, offset + limit < total)}</span></nav>`;
}

export function adminPage(model: AdminModel): Html {
  const { ctx, xsrf, people, filter, warnings, error, done, link, running, total } = model;
  const state = (value: StateFilter, label: string) =>
    html`<option value="${value}"${filter.state === value && html` selected`}>${label}</option>`;
  return html`<div class="row between"><h1>${t.admin.title}</h1><p class="muted">${t.admin.runningNow(running)}</p></div>
<nav class="row" aria-label="${t.admin.title}"><a href="${ctx.urls.hub}admin/usage">${t.costs.link}</a><a href="${ctx.urls.hub}admin/calendar">${t.calendar.link}</a><a href="${ctx.urls.hub}admin/plain/groups">${t.groups.link}</a><a href="${ctx.urls.hub}admin/audit">${t.audit.link}</a></nav>
${problem(error)}
${done && html`<p class="note ok" role="status">${done}</p>`}
${
  link &&
  html`<section class="note ok stack" role="status"><h2>${t.admin.linkFor(link.name)}</h2><p>${t.admin.linkText} ${exactTime(link.expiresAt)}.</p>${copyable(link.url, t.admin.linkLabel)}</section>`
}
${alertList(model)}
${waitingList(model)}
${
  warnings.length > 0 &&
  html`<details class="note busy"><summary>${t.admin.warnings(warnings.length)}</summary><ul>${warnings.map((text) => html`<li>${text}</li>`)}</ul></details>`
}
<section class="card" aria-labelledby="people"><h2 id="people">${t.admin.people}</h2>
<form class="row bottom" method="get" action="${ctx.urls.hub}admin/plain" role="search">
<div class="field grow"><label for="q">${t.admin.search}</label><input id="q" name="q" type="search" value="${filter.q}" autocomplete="off"></div>
<div class="field"><label for="state">${t.admin.show}</label><select id="state" name="state">${state('all', t.admin.all)}${state('active', t.admin.active)}${state('inactive', t.admin.inactive)}</select></div>
<button>${t.admin.filter}</button></form>
${
  people.length > 0
    ? html`<div class="scroll stacked"><table><thead><tr><th scope="col">${t.form.name}</th><th scope="col">${t.admin.servers}</th><th scope="col">${t.admin.lastActive}</th></tr></thead>
<tbody>${people.map((person, index) => row(model, person, index))}</tbody></table></div>${pages(model)}`
    : html`<p class="muted">${total === 0 && t.admin.nobody}</p>`
}
</section>
<section class="card" aria-labelledby="add"><h2 id="add">${t.admin.add}</h2>
<p class="muted">${t.admin.addText}</p>
<form class="stack" method="post" action="${ctx.urls.hub}admin/add">${xsrfInput(xsrf)}
<div class="with-button bottom">${textField({ name: 'name', label: t.admin.newName, autocomplete: 'off' })}<button>${t.admin.addButton}</button></div>
<label class="check"><input type="checkbox" name="admin" value="1"><span>${t.admin.addAdmin}</span></label></form></section>`;
}

export interface DeletePersonModel {
  ctx: PageContext;
  xsrf: string;
  name: string;
  /** What the config does with the home folder of somebody who is deleted. */
  home: 'keep-home' | 'delete-home';
}

/** Asks, because it cannot be undone: what is lost and what is kept. */
export function deletePersonPage({ ctx, xsrf, name, home }: DeletePersonModel): Html {
  const { hub } = ctx.urls;
  return html`<div class="card">
<h1>${t.admin.removeTitle(name)}</h1>
<p>${t.admin.removeLost}</p>
<p class="${home === 'delete-home' && 'note bad'}">${home === 'delete-home' ? t.admin.homeDeleted : t.admin.homeKept}</p>
<div class="row">${actionForm({ action: `${hub}admin/delete`, fields: { user: name } }, xsrf, { label: t.admin.removeButton(name), look: 'danger' })}
<a class="button" href="${hub}admin/plain">${t.admin.removeCancel}</a></div>
</div>`;
}
