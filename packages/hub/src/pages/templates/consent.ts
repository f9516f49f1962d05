import { type Html, html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import { t } from '../strings.ts';
import { xsrfInput } from './parts.ts';

export interface ConsentModel {
  ctx: PageContext;
  xsrf: string;
  /** Who looks at it. */
  name: string;
  /** The application's description, or its id. */
  clientName: string;
  /** What it may do, one sentence each. */
  scopesInWords: readonly string[];
  /** The same as scope names; each goes along as a field `scopes`. */
  scopes: readonly string[];
  /** Where the person is sent afterwards: a path or an address. */
  target: string;
  /** Where the form goes: the same address, query included. */
  action: string;
}

export function consentPage(model: ConsentModel): Html {
  const { ctx, xsrf, name, clientName, scopesInWords, scopes, target, action } = model;
  return html`<div class="card">
<h1>${t.consent.heading(clientName)}</h1>
<p>${t.consent.intro(clientName, name)}</p>
<ul class="stack">${scopesInWords.map((words) => html`<li>${words}</li>\n`)}</ul>
<form class="row" method="post" action="${action}">
${xsrfInput(xsrf)}${scopes.map((scope) => html`<input type="hidden" name="scopes" value="${scope}">`)}
<button class="primary">${t.consent.allow}</button>
<a class="button" href="${ctx.urls.hub}home">${t.consent.deny}</a>
</form>
<p class="muted">${t.consent.after} <span class="code">${target}</span></p>
<details class="small muted"><summary>${t.consent.details}</summary>
<ul>${scopes.map((scope) => html`<li class="code">${scope}</li>\n`)}</ul></details>
</div>`;
}
