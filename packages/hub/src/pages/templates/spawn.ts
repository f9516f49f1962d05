import { type Html, html } from '../html.ts';
import { ICONS } from '../icons.ts';
import type { PageContext } from '../layout.ts';
import type { ServerView } from '../server-view.ts';
import { t } from '../strings.ts';
import { duration, exactTime } from '../times.ts';
import { actionForm, copyable, type FormTarget } from './parts.ts';

/** What the starting page and its script are told: the script asks for the same as JSON. */
export interface Waiting {
  state: 'queued' | 'starting' | 'stopping';
  /** 1 first; null when not queued. */
  place: number | null;
  /** ms until its turn, likely; null when that cannot be said. */
  turnInMs: number | null;
  /** ms since the start was asked for. */
  elapsedMs: number;
  /** Median of recent starts; null before there was one. */
  typicalMs: number | null;
  /** 0–100, of the newest step. */
  percent: number;
  steps: readonly WaitingStep[];
}

export interface WaitingStep {
  message: string;
  /** How long it took, or has gone on. */
  ms: number;
  /** How long it usually takes, when that is worth saying; else null. */
  typicalMs: number | null;
}

/** A step that takes this long says how long, ms. */
const WORTH_SAYING = 5_000;

/** `42 s`, `1 min 5 s, usually about 50 s`; nothing for a step that is over before anybody wonders. */
export function stepTime({ ms, typicalMs }: WaitingStep, current: boolean): string {
  const seconds = (time: number) => duration(time / 1000);
  if (current && typicalMs !== null) return t.starting.stepUsually(seconds(ms), seconds(typicalMs));
  return ms >= WORTH_SAYING ? seconds(ms) : '';
}

/** "Place in the queue: 3. Your turn is in about 40 s." */
export function placeText({ place, turnInMs }: Pick<Waiting, 'place' | 'turnInMs'>): string {
  if (place === null) return '';
  // Seconds of a guess of minutes would be a lie.
  const about =
    turnInMs === null ? undefined : turnInMs >= 90_000 ? Math.ceil(turnInMs / 60_000) * 60 : turnInMs / 1000;
  return about === undefined ? t.starting.place(place) : t.starting.turn(place, duration(about));
}

/** Steps tell most, time tells something in between; neither reaches the end before the server does. */
export function barValue({ percent, elapsedMs, typicalMs }: Waiting): number {
  return Math.round(Math.max(percent, typicalMs ? Math.min(90, (elapsedMs / typicalMs) * 80) : 0));
}

export interface SpawnPendingModel {
  ctx: PageContext;
  xsrf: string;
  view: ServerView;
  waiting: Waiting;
  /** How long slow steps usually take, ms, by `stepKey`. */
  usualSteps: ReadonlyMap<string, number>;
  /** The event stream, with what it needs to be allowed. */
  progressUrl: string;
  /** What the cancel button sends; undefined when this person may not stop it. */
  stop: FormTarget | undefined;
  /** Where the output can be read; undefined when this person may not. */
  logUrl?: string | undefined;
}

export function spawnPendingPage({
  xsrf,
  view,
  waiting,
  usualSteps,
  progressUrl,
  stop,
  logUrl,
}: SpawnPendingModel): Html {
  const { steps, place, elapsedMs, typicalMs, state } = waiting;
  const elapsed = duration(elapsedMs / 1000);
  const last = steps.length - 1;
  return html`<div class="narrow"><div class="card" data-progress="${progressUrl}" data-xsrf="${xsrf}" data-state="${state}" data-percent="${waiting.percent}" data-elapsed="${elapsedMs}" data-typical="${typicalMs ?? ''}" data-steps="${JSON.stringify(Object.fromEntries(usualSteps))}" data-lost-text="${t.starting.lost}" data-usually="${t.starting.stepUsually('{time}', '{usual}')}">
<h1>${t.starting.heading(view.label)}</h1>
<p class="state queued" data-place${place === null && html` hidden`}>${ICONS.queued}<span>${placeText(waiting)}</span></p>
<ol class="steps" aria-live="polite" aria-label="${t.starting.steps}">${steps.map(
    (step, at) =>
      html`<li${at < last && html` class="done"`}>${at < last ? ICONS.done : ICONS.starting}<span>${step.message}</span> <small class="muted" data-began="${step.ms}" data-usual="${step.typicalMs ?? ''}">${stepTime(step, at === last)}</small></li>`,
  )}</ol>
<template data-done>${ICONS.done}</template><template data-current>${ICONS.starting}</template>
<progress max="100" value="${barValue(waiting)}" aria-label="${t.starting.progress}"></progress>
<p class="muted"><span data-clock>${elapsed}</span>${typicalMs !== null && html` · ${t.starting.usually(duration(typicalMs / 1000))}`}</p>
<p class="muted small">${t.starting.leave}</p>
<p class="note busy" role="status" data-lost hidden></p>
<div class="row">${stop && actionForm(stop, xsrf, { label: t.starting.cancel, look: 'danger' })}
${logUrl && html`<a href="${logUrl}">${t.starting.output}</a>`}</div>
</div></div>`;
}

/** A stop is under way; the page looks again by itself. */
export function stoppingPage({ ctx, view }: { ctx: PageContext; view: ServerView }): Html {
  return html`<div class="narrow"><div class="card" data-live="2">
<h1>${t.stopping.heading(view.label)}</h1>
<p>${t.stopping.text}</p>
<p class="row"><a class="button" href="${ctx.urls.hub}home">${t.error.home}</a></p>
</div></div>`;
}

export interface SpawnFailedModel {
  ctx: PageContext;
  xsrf: string;
  view: ServerView;
  failure: { code: string; message: string; advice?: string | undefined; log: readonly string[]; at: number };
  /** What "Try again" sends, `next` included; undefined when this person may not start it. */
  start: FormTarget | undefined;
  /** Whether this person may read the server's output. */
  showLog: boolean;
  requestId: string;
}

/** The reason, whether anything was lost, what to do, what to tell the administrator. */
export function spawnFailedPage(model: SpawnFailedModel): Html {
  const { ctx, xsrf, view, failure, start, showLog, requestId } = model;
  const { contact } = ctx.config.branding;
  return html`<div class="card">
<h1><span class="state problem">${ICONS.problem}<span>${t.failed.heading(view.label)}</span></span></h1>
<p>${failure.message}</p>
<p>${failure.advice ?? t.failed.advice} ${t.failed.kept}</p>
<div class="row">${start && actionForm(start, xsrf, { label: t.failed.again, look: 'primary' })}<a class="button" href="${ctx.urls.hub}home">${t.error.home}</a></div>
${
  showLog &&
  failure.log.length > 0 &&
  html`<details class="small" open><summary>${t.failed.log}</summary><pre class="log" tabindex="0">${failure.log.join('\n')}</pre></details>`
}
<div class="stack small muted"><p>${contact ? t.error.contact(contact) : t.error.contactDefault}</p>
${copyable(t.failed.report(failure.code, new Date(failure.at).toISOString(), requestId), t.error.reportLabel)}</div>
</div>`;
}

export interface NotRunningModel {
  ctx: PageContext;
  xsrf: string;
  view: ServerView;
  own: boolean;
  /** What the button sends, `next` included; undefined when this person may not start it. */
  start: FormTarget | undefined;
  /** Seconds until it starts without being asked. */
  after?: number | undefined;
}

export function notRunningPage({ ctx, xsrf, view, own, start, after }: NotRunningModel): Html {
  return html`<div class="narrow"><div class="card" data-live="0">
<h1>${t.notRunning.heading(view.label)}</h1>
${view.why !== '' && html`<p>${view.why}${view.endedAt !== null && html` <span class="muted">(${exactTime(view.endedAt)})</span>`}</p>`}
${view.note && html`<p class="note">${t.why.note(view.note)}</p>`}
<p>${own ? t.notRunning.kept : t.notRunning.theirs}</p>
${after !== undefined && html`<p>${t.notRunning.after(duration(after))}</p>`}
<div class="row">${
    start
      ? actionForm(start, xsrf, {
          label: view.name === '' && own ? t.home.start : t.home.startNamed(view.label),
          look: 'primary',
        })
      : html`<a class="button primary" href="${ctx.urls.hub}home">${t.error.home}</a>`
  }</div>
</div></div>`;
}

export interface LogModel {
  ctx: PageContext;
  view: ServerView;
  lines: readonly string[];
  backUrl: string;
}

export function logPage({ view, lines, backUrl }: LogModel): Html {
  return html`<div class="card">
<h1>${t.log.heading(view.label)}</h1>
${lines.length > 0 ? html`<pre class="log tall" tabindex="0">${lines.join('\n')}</pre>` : html`<p class="muted">${t.log.empty}</p>`}
<div class="row"><a class="button primary" href="">${t.log.again}</a><a class="button" href="${backUrl}">${t.log.back}</a></div>
</div>`;
}
