import { amount, hoursText } from '../../money/limit-text.ts';
import type { Line } from '../../money/report.ts';
import type { Total } from '../../money/sum.ts';
import { type Html, html } from '../html.ts';
import { t } from '../strings.ts';

/** Dollars, beside what has no known price: never 0 for what is not known. */
export function dollarsCell({ dollars, unknown }: Total): Html {
  if (unknown.count === 0) return html`${amount(dollars)}`;
  const missing = t.usage.unknownCount(unknown.count, hoursText(unknown.hours));
  return dollars > 0
    ? html`${amount(dollars)} <span class="muted small">+ ${missing}</span>`
    : html`<span class="muted small">${missing}</span>`;
}

/** A table of names with hours and, where there are prices, dollars. */
export function figuresTable({
  label,
  caption,
  lines,
  name,
  dollars,
  total,
  hours = true,
}: {
  /** Of the first column. */
  label: string;
  caption: string;
  lines: readonly Line[];
  name: (line: Line) => string | Html;
  dollars: boolean;
  total?: Total;
  /** False where a line is no server and has none. */
  hours?: boolean;
}): Html {
  const figures = (line: Total) =>
    html`${hours && html`<td data-label="${t.usage.hours}" class="code">${hoursText(line.hours)}</td>`}${
      dollars && html`<td data-label="${t.usage.dollars}" class="code">${dollarsCell(line)}</td>`
    }`;
  return html`<div class="scroll stacked"><table><caption class="visually-hidden">${caption}</caption>
<thead><tr><th scope="col">${label}</th>${hours && html`<th scope="col">${t.usage.hours}</th>`}${dollars && html`<th scope="col">${t.usage.dollars}</th>`}</tr></thead>
<tbody>${lines.map((line) => html`<tr><th scope="row">${name(line)}</th>${figures(line)}</tr>\n`)}${
    total && html`<tr><th scope="row">${t.usage.total}</th>${figures(total)}</tr>`
  }</tbody></table></div>`;
}

/** Links to the months before and after. */
export function monthSwitch(url: string, months: { previous?: string | undefined; next?: string | undefined }): Html {
  return html`<nav class="row between" aria-label="${t.usage.months}"><span>${
    months.previous &&
    html`<a class="button slim" href="${url}?month=${months.previous}">${t.usage.previous(months.previous)}</a>`
  }</span><span>${
    months.next && html`<a class="button slim" href="${url}?month=${months.next}">${t.usage.next(months.next)}</a>`
  }</span></nav>`;
}

/** How much of a limit is used, as a bar. */
export function usedBar(label: string, used: number, limit: number): Html {
  return html`<meter min="0" max="${limit || 1}" value="${limit === 0 ? 1 : Math.min(used, limit)}" high="${0.8 * (limit || 1)}" optimum="0" aria-label="${label}"></meter>`;
}

const BAR = 20;
const HEIGHT = 120;
/** Below the line, for the labels. */
const FOOT = 24;

/** Bars, one per value. `text` is its summary in words; the figures belong into a table beside it. */
export function barChart(values: readonly { label: string; value: number; shown: string }[], text: string): Html {
  const most = Math.max(...values.map(({ value }) => value), Number.MIN_VALUE);
  const width = values.length * BAR;
  return html`<svg class="chart" viewBox="0 0 ${width} ${HEIGHT + FOOT}" role="img" aria-label="${text}" focusable="false">
<line x1="0" y1="${HEIGHT}" x2="${width}" y2="${HEIGHT}" stroke="var(--edge)"/>
${values.map(({ label, value, shown }, at) => {
  const height = value > 0 ? Math.max(1.5, (value / most) * (HEIGHT - 4)) : 0;
  return html`<g><title>${label}: ${shown}</title><rect x="${at * BAR}" y="0" width="${BAR}" height="${HEIGHT}" fill="transparent"/><rect x="${at * BAR + 3}" y="${(HEIGHT - height).toFixed(1)}" width="${BAR - 6}" height="${height.toFixed(1)}" rx="2" fill="var(--fill)"/>${
    (at % 5 === 0 || values.length < 10) &&
    html`<text x="${at * BAR + BAR / 2}" y="${HEIGHT + FOOT - 5}" font-size="12" text-anchor="middle" fill="var(--muted)">${label}</text>`
  }</g>`;
})}</svg>`;
}
