import { type Html, html, type Slot } from '../html.ts';
import { t } from '../strings.ts';

/** The hidden input that proves a form came from our page. */
export function xsrfInput(xsrf: string): Html {
  return html`<input type="hidden" name="_xsrf" value="${xsrf}">`;
}

/** A message about the form above it; read out at once. */
export function problem(error: Html | string | undefined | null): Html | null {
  return error ? html`<p class="note bad" role="alert" id="problem">${error}</p>` : null;
}

export interface Field {
  name: string;
  label: string;
  value?: string | undefined;
  autocomplete: string;
  focus?: boolean;
  hint?: string;
  invalid?: boolean;
  maxlength?: number;
  optional?: boolean;
}

const describedBy = ({ name, hint, invalid }: Field): Html | null => {
  const ids = [hint && `${name}-hint`, invalid && 'problem'].filter(Boolean).join(' ');
  return ids ? html` aria-describedby="${ids}"${invalid && html` aria-invalid="true"`}` : null;
};

const hintOf = ({ name, hint }: Field): Html | null =>
  hint ? html`<p class="muted small" id="${name}-hint">${hint}</p>` : null;

export function textField(field: Field): Html {
  return html`<div class="field"><label for="${field.name}">${field.label}</label>
${hintOf(field)}<input id="${field.name}" name="${field.name}" type="text" value="${field.value ?? ''}" autocomplete="${field.autocomplete}" maxlength="${field.maxlength ?? 255}" autocapitalize="none" spellcheck="false"${!field.optional && html` required`}${field.focus && html` autofocus`}${describedBy(field)}></div>`;
}

/** The button that shows the password appears with the script; nothing is offered that would not work. */
export function passwordField(field: Field): Html {
  return html`<div class="field" data-password><label for="${field.name}">${field.label}</label>
${hintOf(field)}<div class="with-button"><input id="${field.name}" name="${field.name}" type="password" autocomplete="${field.autocomplete}" required${field.focus && html` autofocus`}${describedBy(field)}>
<button type="button" data-reveal data-show="${t.form.show}" data-hide="${t.form.hide}" aria-label="${t.form.showPassword}" aria-pressed="false" aria-controls="${field.name}" hidden>${t.form.show}</button></div>
<p class="small" data-caps role="status" data-text="${t.form.capsLock}"></p></div>`;
}

/** Where a form goes and what it carries. */
export interface FormTarget {
  action: string;
  fields?: Record<string, string> | undefined;
}

/** A form with one button, for an action of its own. `ask` is a question that the script asks first. */
export function actionForm(
  { action, fields = {} }: FormTarget,
  xsrf: string,
  { label, look, ask }: { label: Slot; look?: string; ask?: string },
): Html {
  return html`<form method="post" action="${action}"${ask && html` data-confirm="${ask}"`}>${xsrfInput(xsrf)}${Object.entries(
    fields,
  ).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}<button${look && html` class="${look}"`}>${label}</button></form>`;
}

/** Text to hand on, with a button that copies it once the script runs. */
export function copyable(text: string, label: string): Html {
  return html`<div class="with-button"><input class="code" type="text" readonly value="${text}" aria-label="${label}">
<button type="button" data-copy="${text}" data-done="${t.form.copied}" hidden>${t.form.copy}</button></div>`;
}
