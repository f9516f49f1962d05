import type { ReactNode } from 'react';
import { t } from '../strings/index.ts';
import { Scroller } from './scroller.tsx';

const WIDTH = { half: 560, whole: 1136 };
const HEIGHT = 168;
const LEFT = 34;
/** A column alone is not a wall. */
const WIDEST = 56;
const BOTTOM = 22;
const TOP = 10;

export interface Bar {
  label: string;
  /** In full, for the table and on hover. */
  title: string;
  value: number;
}

/** The next round number above: 1, 2, 5, 10, 20 … */
export function niceTop(most: number): number {
  if (most <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= most) ?? most;
}

/** Columns over a time or a scale, drawn as numbers in attributes: nothing here needs an inline style. */
function Columns({ bars, summary, wide }: { bars: readonly Bar[]; summary: string; wide: boolean }) {
  const whole = wide ? WIDTH.whole : WIDTH.half;
  const top = niceTop(Math.max(0, ...bars.map(({ value }) => value)));
  const width = (whole - LEFT) / Math.max(1, bars.length);
  const height = HEIGHT - BOTTOM - TOP;
  const y = (value: number) => TOP + height - (value / top) * height;
  // As many labels as there is room for, from the first one on.
  const every = Math.max(1, Math.ceil(bars.length / (wide ? 14 : 8)));
  const gap = Math.min(4, width * 0.25);
  return (
    <svg className="columns" viewBox={`0 0 ${whole} ${HEIGHT}`} role="img" aria-label={summary}>
      {[0, top / 2, top].map((value) => (
        <g key={value}>
          <line className="grid" x1={LEFT} x2={whole} y1={y(value)} y2={y(value)} />
          {Number.isInteger(value) && (
            <text x={LEFT - 6} y={y(value) + 4} textAnchor="end">
              {value}
            </text>
          )}
        </g>
      ))}
      {bars.map(({ label, title, value }, at) => {
        const x = LEFT + at * width;
        const thick = Math.min(WIDEST, Math.max(1, width - gap));
        return (
          <g key={title}>
            <rect
              className="ink"
              x={x + (width - thick) / 2}
              y={y(value)}
              width={thick}
              height={TOP + height - y(value)}
            >
              <title>{`${title}: ${value}`}</title>
            </rect>
            {at % every === 0 && (
              <text x={x + width / 2} y={HEIGHT - 6} textAnchor={at === 0 && every > 1 ? 'start' : 'middle'}>
                {label}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

interface FigureProps {
  title: string;
  /** Over the whole width of the page. */
  wide?: boolean;
  /** What the picture says, in a sentence. */
  summary: string;
  /** Without anything to draw, the sentence is all there is. */
  children?: ReactNode;
  table?: { head: readonly string[]; rows: readonly (readonly string[])[] };
}

/** A chart: its name, what it says, the picture, and the numbers behind it. */
export function Figure({ title, wide, summary, children, table }: FigureProps) {
  return (
    <figure className={wide ? 'card whole' : 'card'}>
      <figcaption className="stack tight">
        <h3>{title}</h3>
        <p className="small">{summary}</p>
      </figcaption>
      {children}
      {table && table.rows.length > 0 && (
        <details className="small">
          <summary>
            {t.charts.table}
            <span className="visually-hidden"> {title}</span>
          </summary>
          <Scroller label={title}>
            <table>
              <thead>
                <tr>
                  {table.head.map((label) => (
                    <th key={label} scope="col">
                      {label}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {table.rows.map(([first = '', ...rest]) => (
                  <tr key={first + rest.join('|')}>
                    <th scope="row">{first}</th>
                    {rest.map((text, at) => (
                      <td key={table.head[at + 1]}>{text}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroller>
        </details>
      )}
    </figure>
  );
}

export function ColumnChart({ bars, ...rest }: FigureProps & { bars: readonly Bar[] }) {
  return (
    <Figure {...rest}>
      {bars.some(({ value }) => value > 0) && <Columns bars={bars} summary={rest.summary} wide={rest.wide ?? false} />}
    </Figure>
  );
}

/** Bars with their words beside them: for reasons, which are sentences. */
export function BarList({ bars, ...rest }: FigureProps & { bars: readonly Bar[] }) {
  const most = Math.max(1, ...bars.map(({ value }) => value));
  return (
    <Figure {...rest}>
      {bars.length > 0 && (
        <ol className="bars">
          {bars.map(({ title, value }) => (
            <li key={title}>
              <span className="row between">
                <span className="grow">{title}</span>
                <strong>{value}</strong>
              </span>
              <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                <rect className="track" width="100" height="6" />
                <rect className="ink bad" width={(value / most) * 100} height="6" />
              </svg>
            </li>
          ))}
        </ol>
      )}
    </Figure>
  );
}
