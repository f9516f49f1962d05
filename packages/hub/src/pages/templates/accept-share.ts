import { type Html, html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import { t } from '../strings.ts';
import { xsrfInput } from './parts.ts';

export interface AcceptModel {
  ctx: PageContext;
  xsrf: string;
  /** Who looks at it. */
  name: string;
  owner: string;
  /** What its owner calls the server; empty for the default one. */
  label: string;
  /** What the receiver may do, one sentence each. */
  words: readonly string[];
  running: boolean;
  /** Where the form goes, with the code. */
  action: string;
  next: string | undefined;
}

export function acceptPage(model: AcceptModel): Html {
  const { ctx, xsrf, name, owner, label, words, running, action, next } = model;
  return html`<div class="card">
<h1>${t.accept.heading(owner, label || t.accept.main)}</h1>
<p>${t.accept.intro(name)}</p>
<ul class="stack">${words.map((each) => html`<li>${each}</li>\n`)}</ul>
${!running && html`<p class="note">${t.accept.stopped(owner)}</p>`}
<form class="row" method="post" action="${action}">${xsrfInput(xsrf)}
${next !== undefined && html`<input type="hidden" name="next" value="${next}">`}<button class="primary">${t.accept.accept}</button>
<a class="button" href="${ctx.urls.hub}home">${t.accept.deny}</a></form></div>`;
}
