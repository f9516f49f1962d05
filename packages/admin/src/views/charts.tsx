import { useMemo } from 'react';
import { queryText } from '../api/client.ts';
import type { Charts } from '../api/types.ts';
import { useLoad } from '../api/use-load.ts';
import { count, duration, exactTime } from '../lib/format.ts';
import { useQuery } from '../lib/router.tsx';
import { BarList, ColumnChart } from '../parts/chart.tsx';
import { Choice } from '../parts/fields.tsx';
import { Load } from '../parts/notes.tsx';
import { t } from '../strings/index.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;

/** Activity, starts and failures over a time that the address names. */
export function ChartsPart() {
  const [query, set] = useQuery();
  const days = query.get('days') ?? '';
  const span = days in t.charts.spans ? days : '7';
  // To the hour, so that looking again asks for the same.
  const since = useMemo(
    () => new Date(Math.floor(Date.now() / HOUR) * HOUR - Number(span) * DAY).toISOString(),
    [span],
  );
  const charts = useLoad<Charts>(`/atrium/charts${queryText({ since })}`);
  return (
    <section className="stack" aria-labelledby="charts">
      <div className="row between bottom">
        <h2 id="charts">{t.charts.title}</h2>
        <Choice
          label={t.charts.span}
          value={span}
          set={(to) => set({ days: to === '7' ? '' : to }, { replace: true })}
          options={t.charts.spans}
        />
      </div>
      <Load of={charts} what={t.charts.what}>
        {(data) => (
          <>
            <div className="halves">
              <Activity data={data} />
              <Starts data={data} />
              <Failures data={data} />
            </div>
            <p className="muted small">
              {t.charts.zone(data.zone)}{' '}
              {data.complete_since && t.charts.complete(exactTime(Date.parse(data.complete_since)))}
            </p>
          </>
        )}
      </Load>
    </section>
  );
}

function Activity({ data: { activity, step, zone } }: { data: Charts }) {
  const short = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    ...(step === 'hour' ? { hour: '2-digit', minute: '2-digit' } : { day: 'numeric', month: 'short' }),
  });
  const long = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    dateStyle: 'medium',
    ...(step === 'hour' && { timeStyle: 'short' }),
  });
  const bars = activity.map(({ start, people }) => ({
    label: short.format(new Date(start)),
    title: long.format(new Date(start)),
    value: people,
  }));
  const top = bars.reduce((best, bar) => (bar.value > best.value ? bar : best), { label: '', title: '', value: 0 });
  return (
    <ColumnChart
      wide
      title={t.charts.people}
      summary={top.value === 0 ? t.charts.nobody : t.charts.peopleSummary(count(top.value), top.title)}
      bars={bars}
      table={{
        head: [t.charts.time, t.charts.people, t.charts.servers],
        rows: activity.map(({ start, people, servers }) => [
          long.format(new Date(start)),
          count(people),
          count(servers),
        ]),
      }}
    />
  );
}

const atMost = (seconds: number | null) => (seconds === null ? t.charts.longer : duration(seconds));

function Starts({ data: { starts } }: { data: Charts }) {
  const { ready, seconds, histogram } = starts;
  // Around the lengths that occur: no long row of nothing, nor one bar alone.
  const first = histogram.findIndex((bucket) => bucket.count > 0);
  const last = histogram.findLastIndex((bucket) => bucket.count > 0);
  const shown = first === -1 ? [] : histogram.slice(Math.max(0, first - 2), Math.max(last + 3, first + 6));
  const bars = shown.map(({ le, count: value }) => ({
    label: le === null ? t.charts.longer : duration(le),
    title: le === null ? t.charts.longer : t.charts.upTo(duration(le)),
    value,
  }));
  return (
    <ColumnChart
      title={t.charts.starts}
      summary={
        ready === 0 ? t.charts.noStarts : t.charts.startsSummary(count(ready), atMost(seconds.p50), atMost(seconds.p90))
      }
      bars={bars}
      table={{
        head: [t.charts.length, t.charts.count],
        rows: bars.map(({ title, value }) => [title, count(value)]),
      }}
    />
  );
}

function Failures({ data: { failures } }: { data: Charts }) {
  const sum = failures.reduce((all, failure) => all + failure.count, 0);
  const sorted = [...failures].sort((a, b) => b.count - a.count);
  return (
    <BarList
      title={t.charts.failures}
      summary={sum === 0 ? t.charts.noFailures : t.charts.failuresSummary(sum, sorted[0]?.words ?? '')}
      bars={sorted.map(({ words, code, kind, count: value }) => ({
        label: code,
        title: `${words} (${t.charts.kinds[kind] ?? kind})`,
        value,
      }))}
      table={{
        head: [t.charts.reason, t.charts.kind, t.charts.failed, t.charts.last],
        rows: sorted.map(({ words, kind, count: value, last_at: at }) => [
          words,
          t.charts.kinds[kind] ?? kind,
          count(value),
          exactTime(Date.parse(at)),
        ]),
      }}
    />
  );
}
