import { amount, hoursText } from '../../money/limit-text.ts';
import type { Period } from '../../money/period.ts';
import type { Line } from '../../money/report.ts';
import type { Total } from '../../money/sum.ts';
import { once } from '../../once.ts';
import { type Html, html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import { t } from '../strings.ts';
import { barChart, dollarsCell, figuresTable, monthSwitch } from './figures.ts';

export interface CostsModel {
  ctx: PageContext;
  /** `November 2026`, `2026-11` */
  month: string;
  monthKey: string;
  months: { previous?: string | undefined; next?: string | undefined };
  people: readonly Line[];
  groups: readonly Line[];
  kinds: readonly Line[];
  days: readonly (Total & Period)[];
  total: Total;
  /** There is money, or there may be. */
  dollars: boolean;
}

const longDay = once(() => new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', timeZone: 'UTC' }));
const dayOf = ({ from }: Period) => String(new Date(from).getUTCDate());

function chart({ days, total, dollars }: CostsModel): Html {
  // Money where it is known; hours where there is none to show.
  const money = dollars && total.dollars > 0;
  const figureOf = (day: Total) => (money ? day.dollars : day.hours);
  const shown = (value: number) => (money ? amount(value) : hoursText(value));
  const top = days.reduce((most, day) => (figureOf(day) > figureOf(most) ? day : most), days[0]!);
  const words = money ? t.costs.chartText : t.costs.hoursText;
  const text = words(shown(figureOf(total)), longDay().format(top.from), shown(figureOf(top)));
  const bars = days.map((day) => ({ label: dayOf(day), value: figureOf(day), shown: shown(figureOf(day)) }));
  return html`<section class="card" aria-labelledby="chart"><h2 id="chart">${money ? t.costs.chart : t.costs.hoursChart}</h2>
${barChart(bars, text)}<p class="muted small">${text} ${t.costs.utc}</p>
<details class="small"><summary>${t.costs.table}</summary><div class="scroll"><table><thead><tr><th scope="col">${t.costs.day}</th><th scope="col">${t.usage.hours}</th>${dollars && html`<th scope="col">${t.usage.dollars}</th>`}</tr></thead>
<tbody>${days.map((day) => html`<tr><th scope="row">${dayOf(day)}</th><td class="code">${hoursText(day.hours)}</td>${dollars && html`<td class="code">${dollarsCell(day)}</td>`}</tr>\n`)}</tbody></table></div></details></section>`;
}

/** Everybody's use of a month: chart, people, groups, kinds. */
export function costsPage(model: CostsModel): Html {
  const { ctx, month, monthKey, months, people, groups, kinds, total, dollars } = model;
  const url = `${ctx.urls.hub}admin/usage`;
  const table = (
    id: string,
    title: string,
    label: string,
    lines: readonly Line[],
    name: (line: Line) => string,
    sum?: Total,
    hours = true,
  ) =>
    lines.length > 0 &&
    html`<section class="card" aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${id === 'groups' && html`<p class="muted small">${t.costs.groupsText}</p>`}
${figuresTable({ label, caption: title, lines, name, dollars, hours, ...(sum && { total: sum }) })}</section>`;
  return html`<div class="row between"><h1>${t.costs.heading(month)}</h1><a class="button slim" href="${url}.csv?month=${monthKey}" download>${t.costs.csv}</a></div>
${monthSwitch(url, months)}
${!dollars && html`<p class="muted">${t.costs.noPrices}</p>`}
${
  people.length > 0
    ? html`${chart(model)}
${table('people', t.costs.people, t.costs.person, people, ({ name }) => name || t.costs.nobody, total)}
${table('groups', t.costs.groups, t.costs.group, groups, ({ name }) => name || t.costs.noGroup)}
${dollars && table('kinds', t.costs.kinds, t.costs.kind, kinds, ({ name }) => t.costs.kindNames[name] ?? name, undefined, false)}`
    : html`<p class="card muted">${t.costs.empty}</p>`
}`;
}
