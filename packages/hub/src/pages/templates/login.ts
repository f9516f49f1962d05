import type { SignUpMode } from '@atrium/sdk';
import { type Html, html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import { t } from '../strings.ts';
import { relativeTime } from '../times.ts';
import { passwordField, problem, textField, xsrfInput } from './parts.ts';

export interface LoginModel {
  ctx: PageContext;
  /** Where the person was heading, as it came in the query; empty for nowhere in particular. */
  next: string;
  xsrf: string;
  username?: string | undefined;
  error?: string | undefined;
  /** When they may try again, ms; and now. */
  locked?: { until: number; now: number } | undefined;
  /** `none`: no passwords of their own are kept here. */
  signUp: SignUpMode | 'none';
}

export function loginPage({ ctx, next, xsrf, username, error, locked, signUp }: LoginModel): Html {
  const { branding } = ctx.config;
  const query = next === '' ? '' : `?next=${encodeURIComponent(next)}`;
  const contact = signUp === 'none' ? t.signIn.contactElsewhere : t.signIn.contactDefault;
  const wait = locked && t.signIn.locked(relativeTime(locked.until, locked.now));
  return html`<div class="narrow stack">
<div class="card">
<h1>${t.signIn.heading(branding.name)}</h1>
${problem((error || wait) && html`${error} ${wait}`)}
<form class="stack" method="post" action="${ctx.urls.hub}login${query}">
${xsrfInput(xsrf)}
${textField({ name: 'username', label: t.form.name, value: username, autocomplete: 'username', focus: !username, invalid: Boolean(error) })}
${passwordField({ name: 'password', label: t.form.password, autocomplete: 'current-password', focus: Boolean(username), invalid: Boolean(error) })}
<button class="primary">${t.signIn.button}</button>
</form>
${
  (signUp === 'open' || signUp === 'approval') &&
  html`<p><a href="${ctx.urls.hub}signup${query}">${signUp === 'open' ? t.signIn.signUp : t.signIn.askForAccount}</a></p>`
}
<details class="small muted"><summary>${t.signIn.trouble}</summary><p>${branding.contact ? t.signIn.contact(branding.contact) : contact}</p></details>
</div></div>`;
}
