import type { LiveServer } from '../api/types.ts';
import { stateOf } from '../parts/state.tsx';

const orders: Record<string, (row: LiveServer) => string | number> = {
  name: ({ key }) => key,
  state: (row) => `${stateOf(row)} ${String(row.queue_place ?? 0).padStart(6, '0')}`,
  since: ({ since }) => -Date.parse(since ?? '1970-01-01'),
  started: ({ started }) => Date.parse(started ?? '1970-01-01'),
  activity: ({ last_activity: at }) => Date.parse(at ?? '1970-01-01'),
  memory: ({ usage }) => usage?.memory ?? -1,
  cpu: ({ usage }) => usage?.cpu ?? -1,
};

/** Sorted by one of the orders; `-` the other way round. Those that are equal stand by name. */
export function sortRows(rows: readonly LiveServer[], sort: string): LiveServer[] {
  const order = orders[sort.replace(/^-/, '')] ?? orders.name!;
  const sign = sort.startsWith('-') ? -1 : 1;
  const compare = (a: string | number, b: string | number) => (a < b ? -1 : a > b ? 1 : 0);
  return [...rows].sort((a, b) => sign * compare(order(a), order(b)) || compare(a.key, b.key));
}
