import type { AuditRecord } from '../../audit/audit.service.ts';
import { type Html, html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import { t } from '../strings.ts';
import { exactTime } from '../times.ts';
import { problem } from './parts.ts';

/** The search form's fields as the person wrote them. */
export interface AuditSearch {
  user: string;
  action: string;
  q: string;
  since: string;
  until: string;
}

export interface AuditModel {
  ctx: PageContext;
  search: AuditSearch;
  records: readonly AuditRecord[];
  /** `before` of the next page. */
  next: number | null;
  /** This is not the first page. */
  later: boolean;
  error?: string | undefined;
}

const DAY_SECONDS = 86_400;

function whoOf({ by }: AuditRecord): string {
  if (by.kind === 'user') return by.name;
  return by.kind === 'service' ? t.audit.service(by.name) : (t.audit.kinds[by.kind] ?? by.kind);
}

function wayOf({ via, token }: AuditRecord): string | undefined {
  if (token !== null) return t.audit.byToken(token);
  const ways: Record<string, string> = {
    session: t.audit.bySession,
    login: t.audit.byLogin,
    command: t.audit.byCommand,
  };
  return ways[via];
}

function row(record: AuditRecord): Html {
  const { at, action, of, ip, requestId, detail } = record;
  const facts = Object.keys(detail).length > 0 && JSON.stringify(detail);
  const way = wayOf(record);
  return html`<tr><td data-label="${t.audit.when}">${exactTime(at)}</td>
<td data-label="${t.audit.who}">${whoOf(record)}${way && html`<br><span class="muted small">${way}</span>`}</td>
<td data-label="${t.audit.what}" class="code">${action}</td>
<td data-label="${t.audit.whom}">${of && t.audit.of(of.kind, of.name)}</td>
<td data-label="${t.audit.from}">${ip}</td>
<td data-label="${t.audit.detail}" class="small">${facts && html`<code>${facts}</code>`}${
    requestId && html`${facts && html`<br>`}<span class="muted">${t.audit.request(requestId)}</span>`
  }</td></tr>\n`;
}

function input(name: keyof AuditSearch, label: string, value: string, type = 'search', hint?: string): Html {
  const described = hint && html` aria-describedby="${name}-hint"`;
  return html`<div class="field"><label for="${name}">${label}</label>
${hint && html`<p class="muted small" id="${name}-hint">${hint}</p>`}<input id="${name}" name="${name}" type="${type}" value="${value}" maxlength="255" autocapitalize="none" spellcheck="false"${described}></div>`;
}

/** The audit trail: a search form, entries newest first, and the way to older ones. */
export function auditPage({ ctx, search, records, next, later, error }: AuditModel): Html {
  const url = `${ctx.urls.hub}admin/audit`;
  const asked = Object.entries(search).filter(([, value]) => value !== '');
  const queryOf = (extra: Record<string, string> = {}) =>
    new URLSearchParams([...asked, ...Object.entries(extra)]).toString();
  const head = [t.audit.when, t.audit.who, t.audit.what, t.audit.whom, t.audit.from, t.audit.detail];
  return html`<div class="row between"><h1>${t.audit.title}</h1><a class="button slim" href="${url}.csv?${queryOf()}" download>${t.audit.csv}</a></div>
<p class="muted">${t.audit.text(Math.round(ctx.config.audit.keep / DAY_SECONDS))}</p>
${problem(error)}
<form class="card stack" method="get" action="${url}" role="search" aria-label="${t.audit.search}">
${input('user', t.audit.user, search.user, 'search', t.audit.userHint)}
${input('action', t.audit.action, search.action, 'search', t.audit.actionHint)}
${input('q', t.audit.words, search.q)}
${input('since', t.audit.since, search.since, 'date')}
${input('until', t.audit.until, search.until, 'date')}
<button>${t.audit.show}</button></form>
${
  records.length > 0
    ? html`<div class="card scroll stacked" role="region" aria-label="${t.audit.title}" tabindex="0"><table><caption class="visually-hidden">${t.audit.title}</caption>
<thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${records.map(row)}</tbody></table></div>`
    : html`<p class="card muted">${t.audit.none}</p>`
}
<nav class="row between"><span>${later && html`<a class="button slim" href="${url}?${queryOf()}">${t.audit.newest}</a>`}</span><span>${
    next !== null &&
    html`<a class="button slim" href="${url}?${queryOf({ before: String(next) })}">${t.audit.older}</a>`
  }</span></nav>`;
}
