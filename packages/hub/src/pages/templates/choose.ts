import { once } from '../../once.ts';
import type { Choice, Choices } from '../../servers/choice.service.ts';
import { type Html, html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import { t } from '../strings.ts';
import { problem, xsrfInput } from './parts.ts';

const dollars = once(
  () =>
    new Intl.NumberFormat('en-US', {
      style: 'currency',
      currency: 'USD',
      minimumFractionDigits: 2,
      maximumFractionDigits: 4,
    }),
);

/** `$0.0416 an hour`, `price unknown`; nothing where a price means nothing. */
export function priceText(perHour: number | null | undefined): string | undefined {
  if (perHour === undefined) return undefined;
  return perHour === null ? t.choose.priceUnknown : t.choose.perHour(dollars().format(perHour));
}

export interface ChooseModel {
  ctx: PageContext;
  xsrf: string;
  /** Of the server: "your server", "thesis". */
  label: string;
  choices: Choices;
  /** Where the form goes. */
  action: string;
  /** Where the person was heading. */
  next: string | undefined;
  /** What a new server is to be called. */
  displayName?: string | undefined;
  /** What went wrong with the form that was just sent. */
  error?: string | undefined;
  /** The kind it runs as now: choosing another one stops it first. */
  running?: string | undefined;
}

function card(
  { id, title, description, facts, perHour, unavailable, warning }: Choice,
  at: number,
  chosen: boolean,
  current: boolean,
): Html {
  const price = priceText(perHour);
  const words = unavailable ?? warning;
  return html`<label class="choice"><input type="radio" name="opt-profile" value="${id}" required${chosen && html` checked`}${unavailable !== undefined && html` disabled`} aria-describedby="about-${at}">
<span class="grow"><span class="row between"><strong>${title}${current && html` <span class="tag">${t.choose.current}</span>`}</strong>${price !== undefined && html`<span>${price}</span>`}</span>
<span class="small" id="about-${at}">${facts.length > 0 && html`<span class="muted">${facts.join(' · ')}</span><br>`}${description && html`<span class="muted">${description}</span><br>`}${words !== undefined && html`<span class="${unavailable === undefined ? 'busy' : 'bad'}">${words}</span>`}</span></span></label>`;
}

/** Another option: its name tells it from what the hub itself reads of a form (contract §5.3). */
function fieldOf({ name, label, kind, hint, required, choices = [], value }: Choices['fields'][number]): Html {
  const id = `opt-${name}`;
  const about = hint && html` aria-describedby="${id}-hint"`;
  const common = html` id="${id}" name="${id}"${required && html` required`}${about}`;
  const input = () => {
    if (kind === 'file') return html`<input type="file"${common}>`;
    if (kind === 'text') return html`<input type="text" value="${value ?? ''}" maxlength="2000"${common}>`;
    return html`<select${common}>${!required && html`<option value="">${t.choose.nothing}</option>`}${choices.map(
      (choice) =>
        html`<option value="${choice.value}"${choice.value === value && html` selected`}>${choice.title}</option>`,
    )}</select>`;
  };
  return html`<div class="field"><label for="${id}">${label}${!required && html` <span class="muted">${t.choose.optional}</span>`}</label>
${hint && html`<p class="muted small" id="${id}-hint">${hint}</p>`}${input()}</div>`;
}

/** Asks what kind of server to start; the last choice is chosen already, so that one press of a button is enough. */
export function choosePage({
  ctx,
  xsrf,
  label,
  choices,
  action,
  next,
  displayName,
  error,
  running,
}: ChooseModel): Html {
  const { all, chosen } = choices;
  // What it was started with besides stays when the kind changes.
  const fields = running === undefined ? choices.fields : [];
  const files = fields.some(({ kind }) => kind === 'file');
  return html`<div class="narrow"><div class="card">
<h1>${running === undefined ? t.choose.heading(label) : t.choose.changeHeading(label)}</h1>
${problem(error)}
<form class="stack" method="post" action="${action}"${files && html` enctype="multipart/form-data"`}>${xsrfInput(xsrf)}${next !== undefined && html`<input type="hidden" name="next" value="${next}">`}${displayName !== undefined && html`<input type="hidden" name="display_name" value="${displayName}">`}
<fieldset><legend>${t.choose.which}</legend>
${all.map((choice, at) => card(choice, at, choice.id === chosen, choice.id === running))}</fieldset>
${fields.map(fieldOf)}
<p class="muted small">${running === undefined ? t.choose.hint : t.choose.changeHint}</p>
<div class="row">${chosen === undefined ? html`<p class="note bad">${t.choose.none}</p>` : html`<button class="primary" autofocus>${running === undefined ? t.choose.start(label) : t.choose.change}</button>`}<a class="button" href="${ctx.urls.hub}home">${t.choose.back}</a></div></form>
</div></div>`;
}
