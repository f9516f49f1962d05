import { type Html, html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import { t } from '../strings.ts';
import { passwordField, problem, textField, xsrfInput } from './parts.ts';

export interface FirstAdminModel {
  ctx: PageContext;
  xsrf: string;
  /** Where the form goes: the link itself, with its secret. */
  path: string;
  error?: string | undefined;
  username?: string | undefined;
}

/** Posts `username` and `password`. */
export function firstAdminPage({ ctx, xsrf, path, error, username }: FirstAdminModel): Html {
  return html`<div class="narrow"><div class="card">
<h1>${t.firstAdmin.heading(ctx.config.branding.name)}</h1>
<p class="muted">${t.firstAdmin.text}</p>
${problem(error)}
<form class="stack" method="post" action="${path}">
${xsrfInput(xsrf)}
${textField({ name: 'username', label: t.form.name, value: username, autocomplete: 'username', focus: true, hint: t.firstAdmin.nameHint, invalid: Boolean(error) })}
${passwordField({ name: 'password', label: t.form.password, autocomplete: 'new-password', hint: t.form.passwordHint, invalid: Boolean(error) })}
<button class="primary">${t.firstAdmin.button}</button>
</form></div></div>`;
}

export interface ResetModel {
  ctx: PageContext;
  xsrf: string;
  /** Where the form goes: the link itself, with its secret. */
  path: string;
  /** Whose password it sets. */
  name: string;
  error?: string | undefined;
}

/** Posts `password`; the name goes along for password managers. */
export function resetPage({ xsrf, path, name, error }: ResetModel): Html {
  return html`<div class="narrow"><div class="card">
<h1>${t.reset.title}</h1>
<p class="muted">${t.reset.text(name)}</p>
${problem(error)}
<form class="stack" method="post" action="${path}">
${xsrfInput(xsrf)}<input type="text" name="username" value="${name}" autocomplete="username" hidden aria-label="${t.form.name}">
${passwordField({ name: 'password', label: t.form.newPassword, autocomplete: 'new-password', focus: true, hint: t.form.passwordHint, invalid: Boolean(error) })}
<button class="primary">${t.reset.button}</button>
</form></div></div>`;
}

/** For a first-admin or reset link that was used or has expired. */
export function linkGonePage({ ctx, kind }: { ctx: PageContext; kind: 'first-admin' | 'reset' }): Html {
  return html`<div class="narrow"><div class="card">
<h1>${t.linkGone.title}</h1>
<p>${kind === 'reset' ? t.linkGone.reset : t.linkGone.firstAdmin}</p>
<p class="row"><a class="button primary" href="${ctx.urls.hub}login">${t.signIn.button}</a></p>
</div></div>`;
}

export interface ChangePasswordModel {
  ctx: PageContext;
  xsrf: string;
  name: string;
  error?: string | undefined;
  done?: boolean | undefined;
}

/** Posts `old_password` and `password` to `{hub}change-password`. */
export function changePasswordPage({ ctx, xsrf, name, error, done }: ChangePasswordModel): Html {
  return html`<div class="narrow"><div class="card">
<h1>${t.changePassword.title}</h1>
${done && html`<p class="note ok" role="status">${t.changePassword.done}</p>`}
${problem(error)}
<form class="stack" method="post" action="${ctx.urls.hub}change-password">
${xsrfInput(xsrf)}<input type="text" name="username" value="${name}" autocomplete="username" hidden aria-label="${t.form.name}">
${passwordField({ name: 'old_password', label: t.form.currentPassword, autocomplete: 'current-password', focus: !done, invalid: Boolean(error) })}
${passwordField({ name: 'password', label: t.form.newPassword, autocomplete: 'new-password', hint: t.form.passwordHint, invalid: Boolean(error) })}
<button class="primary">${t.changePassword.button}</button>
</form>
<p class="muted small">${t.changePassword.others}</p>
</div></div>`;
}
