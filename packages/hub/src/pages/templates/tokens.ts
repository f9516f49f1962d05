import { type Html, html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import { t } from '../strings.ts';
import { time } from '../times.ts';
import { actionForm, copyable, problem, textField, xsrfInput } from './parts.ts';

export interface TokenView {
  /** `a12` */
  id: string;
  note: string;
  /** What it may do, in words. */
  words: readonly string[];
  created: number;
  lastUsed: number | null;
  expiresAt: number | null;
}

export interface ApplicationView {
  /** The id of any of its tokens: all are revoked together. */
  id: string;
  name: string;
  words: readonly string[];
  lastUsed: number | null;
}

export type TokenPower = 'everything' | 'servers' | 'nothing' | 'listed';

export interface TokensModel {
  ctx: PageContext;
  xsrf: string;
  now: number;
  tokens: readonly TokenView[];
  applications: readonly ApplicationView[];
  /** Seconds; what may be chosen. `null` is for ever. */
  lifetimes: readonly (number | null)[];
  /** The token that was just made: shown once. */
  fresh?: { text: string; note: string } | undefined;
  error?: string | undefined;
  given?: { note: string; power: TokenPower; scopes: string } | undefined;
  done?: string | undefined;
}

/** Long enough for a course, short enough that a forgotten one goes away. */
const USUAL_LIFETIME = 90 * 86_400;

const used = (at: number | null, now: number) =>
  at === null ? t.tokens.neverUsed : html`${t.tokens.used} ${time(at, now)}`;

const may = (words: readonly string[]) =>
  words.length === 0
    ? html`<p class="small">${t.tokens.onlyWho}</p>`
    : html`<p class="small">${t.tokens.may(new Intl.ListFormat('en').format(words))}</p>`;

function list({ ctx, xsrf, now, tokens }: TokensModel): Html {
  if (tokens.length === 0) return html`<p class="muted">${t.tokens.none}</p>`;
  return html`<ul class="rows">${tokens.map(
    ({
      id,
      note,
      words,
      created,
      lastUsed,
      expiresAt,
    }) => html`<li><div class="grow"><h3>${note || t.tokens.noNote}</h3>
${may(words)}
<p class="muted small">${used(lastUsed, now)} · ${t.tokens.made} ${time(created, now)} · ${expiresAt === null ? t.tokens.noEnd : html`${t.tokens.ends} ${time(expiresAt, now)}`}</p></div>
${actionForm({ action: `${ctx.urls.hub}token/revoke`, fields: { id } }, xsrf, { label: html`${t.tokens.revoke}<span class="visually-hidden"> ${note || t.tokens.noNote}</span>`, look: 'danger slim', ask: t.tokens.revokeAsk })}</li>\n`,
  )}</ul>`;
}

function applicationList({ ctx, xsrf, now, applications }: TokensModel): Html | null {
  if (applications.length === 0) return null;
  return html`<section class="card" aria-labelledby="apps"><h2 id="apps">${t.tokens.applications}</h2>
<p class="muted">${t.tokens.applicationsText}</p>
<ul class="rows">${applications.map(
    ({
      id,
      name,
      words,
      lastUsed,
    }) => html`<li><div class="grow"><h3>${name}</h3>${may(words)}<p class="muted small">${used(lastUsed, now)}</p></div>
${actionForm({ action: `${ctx.urls.hub}token/revoke`, fields: { id } }, xsrf, { label: html`${t.tokens.revoke}<span class="visually-hidden"> ${name}</span>`, look: 'danger slim' })}</li>\n`,
  )}</ul></section>`;
}

export function tokensPage(model: TokensModel): Html {
  const { ctx, xsrf, lifetimes, fresh, error, given, done } = model;
  const power = given?.power ?? 'everything';
  const usual = lifetimes.find((seconds) => seconds === USUAL_LIFETIME) ?? lifetimes[0];
  const choice = (value: TokenPower, label: string) =>
    html`<label class="check"><input type="radio" name="power" value="${value}"${power === value && html` checked`}><span>${label}</span></label>`;
  return html`<h1>${t.tokens.title}</h1>
<p>${t.tokens.intro}</p>
${done && html`<p class="note ok" role="status">${done}</p>`}
${
  fresh &&
  html`<section class="note ok stack" role="status"><h2>${t.tokens.fresh(fresh.note || t.tokens.noNote)}</h2>
<p>${t.tokens.once}</p>${copyable(fresh.text, t.tokens.freshLabel)}</section>`
}
<section class="card" aria-labelledby="yours"><h2 id="yours">${t.tokens.yours}</h2>${list(model)}</section>
<section class="card" aria-labelledby="new"><h2 id="new">${t.tokens.create}</h2>
${problem(error)}
<form class="stack" method="post" action="${ctx.urls.hub}token">${xsrfInput(xsrf)}
${textField({ name: 'note', label: t.tokens.note, value: given?.note, autocomplete: 'off', hint: t.tokens.noteHint, optional: true })}
<div class="field"><label for="expires_in">${t.tokens.lifetime}</label><select id="expires_in" name="expires_in">${lifetimes.map(
    (seconds) =>
      html`<option value="${seconds ?? ''}"${seconds === usual && html` selected`}>${seconds === null ? t.tokens.forEver : t.tokens.days(Math.round(seconds / 86_400))}</option>`,
  )}</select></div>
<fieldset><legend>${t.tokens.power}</legend>
${choice('everything', t.tokens.everything)}${choice('servers', t.tokens.servers)}${choice('nothing', t.tokens.onlyWho)}${choice('listed', t.tokens.listed)}</fieldset>
${textField({ name: 'scopes', label: t.tokens.scopes, value: given?.scopes, autocomplete: 'off', hint: t.tokens.scopesHint, optional: true, maxlength: 2000 })}
<div><button class="primary">${t.tokens.button}</button></div></form></section>
${applicationList(model)}`;
}
