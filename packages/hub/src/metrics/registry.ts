/** Values of a metric's labels, in any order; every label that was declared must be there. */
export type Labels<Name extends string> = Readonly<Record<Name, string>>;

/** What `_bucket` lines are made from when nothing else is said: those of Prometheus' own clients, seconds. */
const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const;

export interface Counter<Name extends string = never> {
  /** @param by 1 or more; counters never go down. */
  inc(labels: Labels<Name>, by?: number): void;
  /** For what is counted elsewhere: takes its present count over. It may begin anew there. */
  set(labels: Labels<Name>, value: number): void;
  /** Forgets every value, as when whoever counts is gone. */
  clear(): void;
}

export interface Gauge<Name extends string = never> {
  set(labels: Labels<Name>, value: number): void;
  clear(): void;
}

export interface Histogram<Name extends string = never> {
  /** @param seconds or another unit, as the name says */
  observe(labels: Labels<Name>, seconds: number): void;
  /** Makes the lines of these labels exist before there is anything to count, so that an alert can be written on them. */
  prepare(labels: Labels<Name>): void;
  /** Takes over what somebody else has counted. @param counts one for each bucket, not added up, and one for what is above */
  set(labels: Labels<Name>, counts: readonly number[], sum: number): void;
  clear(): void;
}

/** Metrics of one process, and their text for Prometheus. */
export interface Registry {
  counter<Name extends string = never>(name: string, help: string, labels?: readonly Name[]): Counter<Name>;
  gauge<Name extends string = never>(name: string, help: string, labels?: readonly Name[]): Gauge<Name>;
  histogram<Name extends string = never>(
    name: string,
    help: string,
    options?: { labels?: readonly Name[]; buckets?: readonly number[] },
  ): Histogram<Name>;
  /** The exposition format (https://prometheus.io/docs/instrumenting/exposition_formats/). */
  render(): string;
}

interface Family {
  render(): string[];
}

/** @param now seconds since the epoch: since when everything is counted (`_created`) */
export function createRegistry(now: number): Registry {
  const families = new Map<string, Family>();
  function add<Kind extends Family>(name: string, family: Kind): Kind {
    if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) throw new Error(`"${name}" cannot be the name of a metric.`);
    if (families.has(name)) throw new Error(`There is a metric ${name} already.`);
    families.set(name, family);
    return family;
  }
  return {
    counter: (name, help, labels = []) => add(name, counter(name, help, labels, now)),
    gauge: (name, help, labels = []) => add(name, gauge(name, help, labels)),
    histogram: (name, help, { labels = [], buckets = DEFAULT_BUCKETS } = {}) =>
      add(name, histogram(name, help, labels, buckets, now)),
    render: () => `${[...families.values()].flatMap((family) => family.render()).join('\n')}\n`,
  };
}

const escapeHelp = (text: string) => text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
/** Nearly every value is plain, and every request has some. */
const escapeValue = (text: string) => (/[\\\n"]/.test(text) ? escapeHelp(text).replace(/"/g, '\\"') : text);
const number = (value: number) => (value === Infinity ? '+Inf' : String(value));

function head(name: string, kind: string, help: string): string[] {
  return [`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${kind}`];
}

/** `method="GET",code="200"`: what lies between the braces, and the key of a value. */
function textOf<Name extends string>(names: readonly Name[], labels: Labels<Name>): string {
  let text = '';
  for (const name of names) text += `${text === '' ? '' : ','}${name}="${escapeValue(labels[name])}"`;
  return text;
}

function line(name: string, labels: string, value: number): string {
  return labels === '' ? `${name} ${number(value)}` : `${name}{${labels}} ${number(value)}`;
}

function values<Name extends string>(names: readonly Name[]) {
  const known = new Map<string, number>();
  // Without labels there is one value from the start; with labels, those that were seen.
  const clear = () => {
    known.clear();
    if (names.length === 0) known.set('', 0);
  };
  clear();
  return {
    known,
    clear,
    set: (labels: Labels<Name>, value: number) => void known.set(textOf(names, labels), value),
    add(labels: Labels<Name>, by: number) {
      const key = textOf(names, labels);
      known.set(key, (known.get(key) ?? 0) + by);
    },
  };
}

function gauge<Name extends string>(name: string, help: string, names: readonly Name[]): Gauge<Name> & Family {
  const { known, set, clear } = values(names);
  return {
    set,
    clear,
    render: () => [...head(name, 'gauge', help), ...[...known].map(([labels, value]) => line(name, labels, value))],
  };
}

function counter<Name extends string>(
  name: string,
  help: string,
  names: readonly Name[],
  now: number,
): Counter<Name> & Family {
  const { known, set, add, clear } = values(names);
  const created = `${name.replace(/_total$/, '')}_created`;
  return {
    set,
    clear,
    inc: (labels, by = 1) => add(labels, by),
    render: () => [
      ...head(name, 'counter', help),
      ...[...known].map(([labels, value]) => line(name, labels, value)),
      ...head(created, 'gauge', help),
      ...[...known.keys()].map((labels) => line(created, labels, now)),
    ],
  };
}

interface Series {
  /** One more than there are bounds: the last holds what is above all of them. */
  counts: number[];
  sum: number;
}

function histogram<Name extends string>(
  name: string,
  help: string,
  names: readonly Name[],
  bounds: readonly number[],
  now: number,
): Histogram<Name> & Family {
  const known = new Map<string, Series>();
  function seriesOf(labels: Labels<Name>): Series {
    const key = textOf(names, labels);
    let series = known.get(key);
    if (!series) {
      series = { counts: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0 };
      known.set(key, series);
    }
    return series;
  }
  if (names.length === 0) seriesOf({} as Labels<Name>);

  function linesOf(labels: string, { counts, sum }: Series): string[] {
    const before = labels === '' ? '' : `${labels},`;
    let total = 0;
    const buckets = [...bounds, Infinity].map((bound, at) => {
      total += counts[at] ?? 0;
      return line(`${name}_bucket`, `${before}le="${Number.isInteger(bound) ? `${bound}.0` : number(bound)}"`, total);
    });
    return [...buckets, line(`${name}_count`, labels, total), line(`${name}_sum`, labels, sum)];
  }

  return {
    observe(labels, value) {
      const series = seriesOf(labels);
      const at = bounds.findIndex((bound) => value <= bound);
      const bucket = at === -1 ? bounds.length : at;
      series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
      series.sum += value;
    },
    prepare: (labels) => void seriesOf(labels),
    set: (labels, counts, sum) => void known.set(textOf(names, labels), { counts: [...counts], sum }),
    clear: () => known.clear(),
    render: () => [
      ...head(name, 'histogram', help),
      ...[...known].flatMap(([labels, series]) => linesOf(labels, series)),
      ...head(`${name}_created`, 'gauge', help),
      ...[...known.keys()].map((labels) => line(`${name}_created`, labels, now)),
    ],
  };
}
