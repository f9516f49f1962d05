import { amount, hoursText, timeText } from '../../money/limit-text.ts';
import { type LimitState, warningOf } from '../../money/limits.service.ts';
import type { Line } from '../../money/report.ts';
import type { Total } from '../../money/sum.ts';
import { type Html, html } from '../html.ts';
import type { PageContext } from '../layout.ts';
import { t } from '../strings.ts';
import { figuresTable, monthSwitch, usedBar } from './figures.ts';

/** "You have used 12 of 40 hours this week", with a bar where there is a limit. */
function standing(state: LimitState): Html {
  const { limits, hours, dollars } = state;
  const time =
    limits.hoursPerWeek === null
      ? t.usage.hoursOnly(timeText(hours))
      : t.usage.hoursOf(hours > 0 && hours < 1 ? timeText(hours) : hoursText(hours), hoursText(limits.hoursPerWeek));
  const showMoney = limits.dollarsPerMonth !== null || dollars > 0;
  const money =
    limits.dollarsPerMonth === null
      ? t.usage.moneyOnly(amount(dollars))
      : t.usage.moneyOf(amount(dollars), amount(limits.dollarsPerMonth));
  return html`<p>${time} ${limits.hoursPerWeek !== null && usedBar(time, hours, limits.hoursPerWeek)}</p>
${showMoney && html`<p>${money} ${limits.dollarsPerMonth !== null && usedBar(money, dollars, limits.dollarsPerMonth)}</p>`}
${state.unknown > 0 && html`<p class="muted small">${t.usage.notCounted(state.unknown)}</p>`}`;
}

/** On the home page. */
export function usageCard({
  ctx,
  usage,
  storage,
}: {
  ctx: PageContext;
  usage?: LimitState;
  storage?: boolean;
}): Html | null {
  if (!usage) return null;
  const warning = warningOf(usage);
  return html`<section class="card" aria-labelledby="used"><h2 id="used">${t.usage.title}</h2>
${warning !== undefined && html`<p class="note busy">${warning}</p>`}
${standing(usage)}
<p class="row"><a href="${ctx.urls.hub}usage">${t.usage.link}</a>${storage && html`<a href="${ctx.urls.hub}storage">${t.storage.link}</a>`}</p></section>`;
}

export interface UsageModel {
  ctx: PageContext;
  state: LimitState;
  /** `November 2026` */
  month: string;
  months: { previous?: string | undefined; next?: string | undefined };
  lines: readonly Line[];
  total: Total;
  /** There is money, or there may be. */
  dollars: boolean;
}

/** What one person has used: against their limits, and per server in a month. */
export function usagePage({ ctx, state, month, months, lines, total, dollars }: UsageModel): Html {
  const { limits } = state;
  const warning = warningOf(state);
  const may = [
    limits.hoursPerWeek !== null && t.usage.perWeek(hoursText(limits.hoursPerWeek)),
    limits.dollarsPerMonth !== null && t.usage.perMonth(amount(limits.dollarsPerMonth)),
    limits.concurrentServers !== null && t.usage.atOnce(limits.concurrentServers),
    limits.maxPerHour !== null && t.usage.perHour(amount(limits.maxPerHour)),
  ].filter((text) => text !== false);
  return html`<h1>${t.usage.heading}</h1>
${warning !== undefined && html`<p class="note busy" role="status">${warning}</p>`}
<section class="card" aria-labelledby="now"><h2 id="now">${t.usage.limits}</h2>
${standing(state)}
${may.length > 0 ? html`<ul>${may.map((text) => html`<li>${text}</li>`)}</ul>` : html`<p class="muted">${t.usage.unlimited}</p>`}
<p class="muted small">${t.usage.renews}</p></section>
<section class="card" aria-labelledby="month"><h2 id="month">${t.usage.month(month)}</h2>
${
  lines.length > 0
    ? figuresTable({ label: t.usage.server, caption: t.usage.servers, lines, name: ({ name }) => name, dollars, total })
    : html`<p class="muted">${t.usage.empty}</p>`
}
${monthSwitch(`${ctx.urls.hub}usage`, months)}</section>`;
}
