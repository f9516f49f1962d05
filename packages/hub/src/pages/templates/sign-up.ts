import type { SignUpMode } from '@atrium/sdk';
import { type Html, html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import { t } from '../strings.ts';
import { passwordField, problem, textField, xsrfInput } from './parts.ts';

export interface SignUpModel {
  ctx: PageContext;
  xsrf: string;
  mode: Exclude<SignUpMode, 'off'>;
  /** Where the person was heading; empty for nowhere in particular. */
  next?: string | undefined;
  error?: string | undefined;
  username?: string | undefined;
}

/** Posts `username` and `password` to `{hub}signup`. */
export function signUpPage({ ctx, xsrf, mode, next, error, username }: SignUpModel): Html {
  const query = next ? `?next=${encodeURIComponent(next)}` : '';
  return html`<div class="narrow stack"><div class="card">
<h1>${mode === 'open' ? t.signUp.title : t.signUp.askTitle}</h1>
${mode === 'approval' && html`<p class="muted">${t.signUp.approval}</p>`}
${problem(error)}
<form class="stack" method="post" action="${ctx.urls.hub}signup${query}">
${xsrfInput(xsrf)}
${textField({ name: 'username', label: t.form.name, value: username, autocomplete: 'username', focus: true, invalid: Boolean(error) })}
${passwordField({ name: 'password', label: t.form.password, autocomplete: 'new-password', hint: t.form.passwordHint, invalid: Boolean(error) })}
<button class="primary">${mode === 'open' ? t.signUp.button : t.signUp.askButton}</button>
</form>
<p>${t.signUp.haveOne} <a href="${ctx.urls.hub}login${query}">${t.signIn.button}</a></p>
</div></div>`;
}

export interface SignUpDoneModel {
  ctx: PageContext;
  mode: Exclude<SignUpMode, 'off'>;
  name: string;
}

export function signUpDonePage({ ctx, mode, name }: SignUpDoneModel): Html {
  return html`<div class="narrow"><div class="card">
<h1>${mode === 'open' ? t.signUp.done : t.signUp.asked}</h1>
<p>${mode === 'open' ? t.signUp.doneText(name) : t.signUp.askedText(name)}</p>
<p class="row"><a class="button primary" href="${ctx.urls.hub}login">${t.signIn.button}</a></p>
</div></div>`;
}
