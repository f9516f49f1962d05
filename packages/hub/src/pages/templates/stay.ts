import { type Html, html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import type { ServerView } from '../server-view.ts';
import type { StayView } from '../stay-view.ts';
import { t } from '../strings.ts';
import { duration, exactTime } from '../times.ts';
import { actionForm, xsrfInput } from './parts.ts';

interface StayModel {
  ctx: PageContext;
  xsrf: string;
  now: number;
}

/** "Stops in 4 min, because nobody is using it." */
export function endingText({ ending }: StayView, now: number): string {
  if (!ending) return '';
  const left = Math.ceil((ending.at - now) / 1000);
  return left <= 0 ? t.ending.soon : t.ending[ending.why](duration(left >= 60 ? Math.ceil(left / 60) * 60 : left));
}

/** That it stops soon with the button that prevents it, until when it is kept on, and the form for that. */
export function stayPart({ ctx, xsrf, now }: StayModel, { name, label, stay }: ServerView): Html | null {
  if (!stay) return null;
  const { hub } = ctx.urls;
  const keep = name === '' ? t.ending.keep : t.ending.keepNamed(label);
  const button = (action: string, fields: Record<string, string>, text: string, look: string) =>
    actionForm({ action: `${hub}home/${action}`, fields: { server: name, ...fields } }, xsrf, { label: text, look });
  return html`${
    stay.ending &&
    html`<div class="note busy row between" role="status"><span>${endingText(stay, now)}</span>${
      stay.ending.why === 'idle' && button('keep', {}, keep, 'primary slim')
    }</div>`
  }${
    stay.keptUntil !== null
      ? html`<div class="row between small"><span>${t.ending.keptUntil} ${exactTime(stay.keptUntil)}</span>${button('keep-on', { for: '0' }, t.ending.cancel, 'slim')}</div>`
      : stay.choices.length > 0 && keepOnForm(ctx, xsrf, name, label, stay)
  }`;
}

function keepOnForm(ctx: PageContext, xsrf: string, name: string, label: string, stay: StayView): Html {
  const id = `keep-on-${name}`;
  const text = name === '' ? t.ending.keepUntil : t.ending.keepUntilNamed(label);
  return html`<details class="small"><summary>${t.ending.summary}${name !== '' && html`<span class="visually-hidden"> (${label})</span>`}</summary>
<form class="with-button bottom" method="post" action="${ctx.urls.hub}home/keep-on">${xsrfInput(xsrf)}<input type="hidden" name="server" value="${name}">
<div class="field"><label for="${id}">${text}</label><select id="${id}" name="for" aria-describedby="${id}-hint">${stay.choices.map(
    (seconds) => html`<option value="${seconds}">${t.ending.inHours(duration(seconds))}</option>`,
  )}</select></div><button>${t.ending.keepOn}</button></form><p class="muted" id="${id}-hint">${t.ending.keepHint}</p></details>`;
}

export interface BusyModel {
  ctx: PageContext;
  xsrf: string;
  label: string;
  /** What runs: notebooks. */
  work: readonly string[];
  /** The form that was sent, to be sent again. */
  action: string;
  fields: Record<string, string>;
  /** What the button that goes on does; by default it stops the server. */
  button?: string;
}

/** Asks before a stop that ends computations: what is lost and what is kept. */
export function busyPage({ ctx, xsrf, label, work, action, fields, button = t.busy.stop(label) }: BusyModel): Html {
  return html`<div class="card">
<h1>${t.busy.heading(label)}</h1>
<ul>${work.map((name) => html`<li>${name}</li>`)}</ul>
<p>${t.busy.text}</p>
<div class="row"><a class="button primary" href="${ctx.urls.hub}home">${t.busy.keep}</a>
${actionForm({ action, fields: { ...fields, sure: '1' } }, xsrf, { label: button, look: 'danger' })}</div>
</div>`;
}
