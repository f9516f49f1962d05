import type { LimitState } from '../../money/limits.service.ts';
import { type Html, html } from '../html.ts';
import { ICONS } from '../icons.ts';
import type { PageContext } from '../layout.ts';
import type { ServerView } from '../server-view.ts';
import { t } from '../strings.ts';
import { duration, time } from '../times.ts';
import { hubIdleText, idleForm } from './idle.ts';
import { actionForm, problem, textField, xsrfInput } from './parts.ts';
import { type SharedView, sharedServers } from './share.ts';
import { stayPart } from './stay.ts';
import { usageCard } from './usage.ts';

export interface HomeModel {
  ctx: PageContext;
  xsrf: string;
  now: number;
  name: string;
  /** The default server, `undefined` before it was ever started. */
  main: ServerView | undefined;
  named: readonly ServerView[];
  /** How many named servers one may have; 0 hides them. */
  limit: number;
  /** Seconds until an idle server stops: what the hub says, what this person chose, what they may choose. */
  idle: { hub: number; own: number | null; choices: readonly number[] };
  /** What this person has used of what they may. */
  usage?: LimitState;
  /** They have storage that can be looked at. */
  storage?: boolean;
  /** Several servers can use the home folder at the same time. */
  sharedHome?: boolean;
  /** There are several kinds of server to choose from. */
  choose?: boolean;
  /** What others let this person use. */
  shared?: readonly SharedView[];
  /** They may let others use their servers. */
  share?: boolean;
  /** How long before an idle stop people are warned, s; 0 for not at all. */
  warnBefore?: number;
  /** What went wrong with the form that was just sent. */
  error?: string | undefined;
  /** What was typed into the new server's name. */
  newName?: string | undefined;
  /** What was just done. */
  done?: string | undefined;
}

/** How often a page with something under way is loaded again. */
const BUSY_SECONDS = 4;
/** How often one with a running server is, at the least: a warning that it stops soon is to be seen. */
const RUNNING_SECONDS = 60;

/** The state's shape and word, and since when. */
export function stateLine(view: ServerView, now: number): Html {
  return html`<span class="state ${view.icon}">${ICONS[view.icon]}<span>${view.state}${view.since !== null && html` · ${t.server.since(duration((now - view.since) / 1000))}`}</span></span>`;
}

/** Why it does not run, and when that was. */
export function whyLine(view: ServerView, now: number): Html | null {
  if (view.why === '') return null;
  return html`<p class="${view.icon === 'problem' ? 'note bad' : 'muted'}${view.name !== '' && ' small'}">${view.why} ${view.endedAt !== null && html`(${time(view.endedAt, now)})`}</p>
${view.note && html`<p class="note">${t.why.note(view.note)}</p>`}`;
}

function buttons({ ctx, xsrf, choose, name: owner }: HomeModel, view: ServerView | undefined, small: boolean): Html {
  const { hub } = ctx.urls;
  // One thing to do per page: only the main server's button is the loud one.
  const [main, size] = small ? ['', ' slim'] : ['primary', ''];
  const name = view?.name ?? '';
  const label = view?.label ?? name;
  const button = (action: string, text: string, look: string, ask?: string) =>
    actionForm({ action: `${hub}home/${action}`, fields: { server: name } }, xsrf, {
      label: text,
      look: look + size,
      ...(ask !== undefined && { ask }),
    });
  if (view?.running) {
    return html`<a class="button ${main}${size}" href="${view.url}">${name === '' ? t.home.open : t.home.openNamed(label)}</a>
${button('stop', name === '' ? t.home.stop : t.home.stopNamed(label), 'danger')}
${choose && html`<a class="button${size}" href="${ctx.urls.change(owner, name)}">${t.choose.another}${small && html`<span class="visually-hidden"> ${label}</span>`}</a>`}`;
  }
  if (view?.pending === 'spawn') {
    return html`<a class="button ${main}${size}" href="${view.pendingUrl}">${t.home.watch}</a>
${button('stop', t.home.cancel, 'danger')}`;
  }
  if (view?.pending === 'stop') return html`<a class="button${size}" href="${hub}home">${t.home.look}</a>`;
  return html`${button('start', name === '' ? t.home.start : t.home.startNamed(label), main)}
${choose && html`<a class="button${size}" href="${ctx.urls.spawn(owner, name)}">${t.choose.another}${small && html`<span class="visually-hidden"> ${label}</span>`}</a>`}
${name !== '' && button('delete', t.home.deleteNamed(label), 'danger', t.home.deleteAsk(label))}`;
}

function shareLink({ ctx, share }: HomeModel, name: string, label: string): Html | null {
  if (!share) return null;
  const small = name === '' ? '' : ' slim';
  return html` <a class="button${small}" href="${ctx.urls.hub}share?server=${encodeURIComponent(name)}">${name === '' ? t.share.link : t.share.linkOf(label)}</a>`;
}

function namedServers(model: HomeModel): Html | null {
  const { ctx, xsrf, now, named, limit, error, newName, sharedHome = true } = model;
  if (limit === 0 && named.length === 0) return null;
  return html`<section class="card" aria-labelledby="more">
<h2 id="more">${t.home.more}</h2>
${
  named.length > 0
    ? html`<ul class="rows">${named.map(
        (view) => html`<li><div class="grow"><h3>${view.label}</h3>
<p class="small">${stateLine(view, now)}${view.lastActivity !== null && !view.running && html`<span class="muted"> · ${t.server.lastUsed} ${time(view.lastActivity, now)}</span>`}</p>
${whyLine(view, now)}${stayPart(model, view)}${namedIdle(model, view)}</div><div class="row">${buttons(model, view, true)}${shareLink(model, view.name, view.label)}</div></li>\n`,
      )}</ul>`
    : html`<p class="muted">${sharedHome ? t.home.moreText : t.home.moreTextOne}</p>`
}
${
  named.length < limit
    ? html`<form class="stack" method="post" action="${ctx.urls.hub}home/new">${xsrfInput(xsrf)}
${problem(newName === undefined ? undefined : error)}
<div class="with-button bottom">${textField({ name: 'name', label: t.home.newName, value: newName, autocomplete: 'off', hint: t.home.newHint, maxlength: 255, invalid: newName !== undefined, focus: newName !== undefined })}
<button>${t.home.newButton}</button></div></form>`
    : html`<p class="muted small">${t.home.limit(limit)}</p>`
}
</section>`;
}

function idleSetting({ ctx, xsrf, idle }: HomeModel): Html | null {
  if (idle.hub === 0 && idle.choices.length === 0) return null;
  const target = { action: `${ctx.urls.hub}home/idle` };
  const { own, choices } = idle;
  return html`<section class="card" aria-labelledby="idle"><h2 id="idle">${t.idle.title}</h2>
${idleForm({ target, xsrf, id: 'stop_after', label: t.idle.mine, unset: hubIdleText(idle.hub), own, choices, describedBy: 'idle-hint' })}
<p class="muted small" id="idle-hint">${t.idle.hint}</p>
</section>`;
}

function namedIdle({ ctx, xsrf, idle }: HomeModel, { name, label, stopAfter }: ServerView): Html {
  const target = { action: `${ctx.urls.hub}home/idle`, fields: { server: name } };
  const form = { target, xsrf, id: `stop_after-${name}`, label: t.idle.one(label), unset: t.idle.asOthers };
  return html`<details class="small"><summary>${t.idle.title}</summary>${idleForm({ ...form, own: stopAfter, choices: idle.choices })}</details>`;
}

export function homePage(model: HomeModel): Html {
  const { main, named, now, error, newName, done } = model;
  const busy = [main, ...named].some((view) => view?.pending);
  const running = [main, ...named].some((view) => view?.running);
  // Often enough that most of the warning is still to come when it is first seen.
  const { warnBefore = 0 } = model;
  const runningSeconds =
    warnBefore > 0 ? Math.min(RUNNING_SECONDS, Math.max(BUSY_SECONDS, warnBefore / 5)) : RUNNING_SECONDS;
  return html`<div class="stack" data-live="${busy ? BUSY_SECONDS : running ? runningSeconds : 0}">
<h1>${t.home.heading(model.name)}</h1>
${done && html`<p class="note ok" role="status">${done}</p>`}
${problem(newName === undefined ? error : undefined)}
<section class="card" aria-labelledby="mine">
<div class="row between"><h2 id="mine">${t.home.main}</h2>${main ? stateLine(main, now) : html`<span class="state stopped">${ICONS.stopped}<span>${t.server.states.stopped}</span></span>`}</div>
${main ? whyLine(main, now) : html`<p class="muted">${t.home.first}</p>`}
${main && stayPart(model, main)}
<div class="row">${buttons(model, main, false)}${shareLink(model, '', '')}</div>
<p class="muted small">${main?.running ? t.home.stopHint : t.home.startHint}</p>
</section>
${namedServers(model)}
${sharedServers(model)}
${usageCard(model)}
${idleSetting(model)}
</div>`;
}
