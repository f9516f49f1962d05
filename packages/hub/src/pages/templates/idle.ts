import { type Html, html } from '../html.ts';
import { t } from '../strings.ts';
import { duration } from '../times.ts';
import { type FormTarget, xsrfInput } from './parts.ts';

export interface IdleModel {
  target: FormTarget;
  xsrf: string;
  /** Unique on the page. */
  id: string;
  label: string;
  /** What holds when nothing is chosen. */
  unset: string;
  /** Seconds; null = nothing chosen; 0 = never. */
  own: number | null;
  choices: readonly number[];
  /** The id of a text that explains. */
  describedBy?: string;
}

/** What the hub does by itself, as the choice of somebody who chooses nothing. */
export function hubIdleText(seconds: number): string {
  return seconds === 0 ? t.idle.hubNever : t.idle.hub(duration(seconds));
}

/** Posts `stop_after`: seconds, or empty for nothing chosen. */
export function idleForm({ target, xsrf, id, label, unset, own, choices, describedBy }: IdleModel): Html {
  const option = (value: number | null, text: string) =>
    html`<option value="${value ?? ''}"${own === value && html` selected`}>${text}</option>`;
  // What an administrator set beyond the person's own choices stays selectable.
  const all = own === null || choices.includes(own) ? choices : [own, ...choices];
  const hidden = Object.entries(target.fields ?? {}).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  return html`<form class="with-button bottom" method="post" action="${target.action}">${xsrfInput(xsrf)}${hidden}<div class="field"><label for="${id}">${label}</label>
<select id="${id}" name="stop_after"${describedBy && html` aria-describedby="${describedBy}"`}>${option(null, unset)}${all.map(
    (seconds) => option(seconds, seconds === 0 ? t.idle.never : t.idle.after(duration(seconds))),
  )}</select></div><button>${t.idle.save}</button></form>`;
}
