import { type Html, html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import { t } from '../strings.ts';

export interface NotAllowedModel {
  ctx: PageContext;
  name: string;
  /** Why, in plain words. */
  message: string;
  /** Each rule and what it said, as `atrium auth explain` prints them. */
  rules?: readonly { rule: string; outcome: 'allows' | 'denies' | 'silent'; detail: string }[] | undefined;
}

/** They proved who they are, and may not come in: says why and whom to ask. */
export function notAllowedPage({ ctx, name, message, rules = [] }: NotAllowedModel): Html {
  const { contact } = ctx.config.branding;
  return html`<div class="card">
<h1>${t.notAllowed.title}</h1>
<p>${message}</p>
<p>${contact ? t.notAllowed.ask(contact, name) : t.notAllowed.askDefault(name)}</p>
<p class="row"><a class="button primary" href="${ctx.urls.hub}login">${t.notAllowed.other}</a></p>
${
  rules.length > 0 &&
  html`<details class="small"><summary>${t.notAllowed.rules}</summary><div class="scroll stacked"><table>
<thead><tr><th scope="col">${t.notAllowed.rule}</th><th scope="col">${t.notAllowed.outcome}</th><th scope="col">${t.notAllowed.because}</th></tr></thead>
<tbody>${rules.map(
    ({ rule, outcome, detail }) =>
      html`<tr><th scope="row" class="code">${rule}</th><td>${t.notAllowed.outcomes[outcome]}</td><td>${detail}</td></tr>\n`,
  )}</tbody></table></div></details>`
}
</div>`;
}

export function loggedOutPage({ ctx }: { ctx: PageContext }): Html {
  return html`<div class="narrow"><div class="card">
<h1>${t.signedOut.title}</h1>
<p>${t.signedOut.text}</p>
<p class="row"><a class="button primary" href="${ctx.urls.hub}login">${t.signedOut.again}</a></p>
</div></div>`;
}
