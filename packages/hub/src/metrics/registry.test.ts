import { expect, test } from 'vitest';
import { createRegistry } from './registry.ts';

test('counters, gauges and histograms are written as Prometheus reads them', () => {
  const registry = createRegistry(1_700_000_000.5);
  const hits = registry.counter('hits_total', 'Hits, with a \\ and\na new line', ['path']);
  const heat = registry.gauge('heat', 'How warm it is');
  const time = registry.histogram('time_seconds', 'How long it took', { labels: ['status'], buckets: [0.5, 1] });

  hits.inc({ path: 'say "a\\b"\n' });
  hits.inc({ path: 'say "a\\b"\n' }, 2);
  heat.set({}, -1.5);
  for (const seconds of [0.5, 0.6, 7]) time.observe({ status: 'ok' }, seconds);

  expect(registry.render()).toBe(`# HELP hits_total Hits, with a \\\\ and\\na new line
# TYPE hits_total counter
hits_total{path="say \\"a\\\\b\\"\\n"} 3
# HELP hits_created Hits, with a \\\\ and\\na new line
# TYPE hits_created gauge
hits_created{path="say \\"a\\\\b\\"\\n"} 1700000000.5
# HELP heat How warm it is
# TYPE heat gauge
heat -1.5
# HELP time_seconds How long it took
# TYPE time_seconds histogram
time_seconds_bucket{status="ok",le="0.5"} 1
time_seconds_bucket{status="ok",le="1.0"} 2
time_seconds_bucket{status="ok",le="+Inf"} 3
time_seconds_count{status="ok"} 3
time_seconds_sum{status="ok"} 8.1
# HELP time_seconds_created How long it took
# TYPE time_seconds_created gauge
time_seconds_created{status="ok"} 1700000000.5
`);
});

test('two metrics of one name, and a name that none can have, are refused', () => {
  const registry = createRegistry(0);
  registry.gauge('heat', 'How warm it is');

  expect(() => registry.gauge('heat', 'How warm it is')).toThrow('There is a metric heat already.');
  expect(() => registry.gauge('how warm', 'it is')).toThrow('cannot be the name');
});
