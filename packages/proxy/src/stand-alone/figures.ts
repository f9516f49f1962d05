import { readdirSync } from 'node:fs';

type Labelled = Map<string, number>;

/** One value, or several by their labels: `status="200"`. */
export interface Figure {
  help: string;
  value: number | ReadonlyMap<string, number>;
}

/** Seconds spent and how often, in the name of a Prometheus summary. */
interface Spent {
  count: number;
  seconds: number;
}

/** Figures by the names that configurable-http-proxy gave them, so that dashboards go on. */
export class StandAloneFigures {
  readonly #counts = {
    api_route_get: { help: 'Times that all routes were listed', value: 0 },
    api_route_add: { help: 'Routes set', value: 0 },
    api_route_delete: { help: 'Requests to remove a route', value: 0 },
    requests_ws: { help: 'Requests for a websocket', value: 0 },
    requests_web: { help: 'Other requests', value: 0 },
  };
  readonly #byStatus = {
    requests_proxy: {
      help: 'Requests of the public side by the status of their answer',
      values: new Map() as Labelled,
    },
    requests_api: { help: 'Requests for routes by the status of their answer', values: new Map() as Labelled },
  };
  readonly #spent = {
    find_target_for_req: { help: 'Seconds it took to find where a request leads', spent: { count: 0, seconds: 0 } },
    last_activity_updating: { help: 'Seconds it took to note that a route was used', spent: { count: 0, seconds: 0 } },
  };

  count(name: 'api_route_get' | 'api_route_add' | 'api_route_delete' | 'requests_ws' | 'requests_web'): void {
    this.#counts[name].value++;
  }

  answered(name: 'requests_proxy' | 'requests_api', status: number): void {
    const { values } = this.#byStatus[name];
    const label = `status="${status}"`;
    values.set(label, (values.get(label) ?? 0) + 1);
  }

  /** `act` with its time noted. */
  timed<Args extends unknown[], Result>(
    name: 'find_target_for_req' | 'last_activity_updating',
    act: (...args: Args) => Result,
  ): (...args: Args) => Result {
    const spent: Spent = this.#spent[name].spent;
    return (...args) => {
      const from = process.hrtime.bigint();
      try {
        return act(...args);
      } finally {
        spent.count++;
        spent.seconds += Number(process.hrtime.bigint() - from) / 1e9;
      }
    };
  }

  /**
   * In Prometheus' text format.
   * @param now what the data path counts and has open, by name and meaning; several values by their labels
   * @param more families that are text already
   */
  text(now: Readonly<Record<string, Figure>>, more: readonly string[] = []): string {
    const metric = (name: string, type: string, help: string, values: Iterable<[string, number]>) =>
      `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${[...values].map(([label, value]) => `${name}${label && `{${label}}`} ${value}\n`).join('')}`;
    const counts = Object.entries(this.#counts).map(([name, { help, value }]) =>
      metric(name, 'counter', help, [['', value]]),
    );
    const byStatus = Object.entries(this.#byStatus).map(([name, { help, values }]) =>
      metric(name, 'counter', help, values),
    );
    const spent = Object.entries(this.#spent).map(
      ([name, { help, spent }]) =>
        `# HELP ${name} ${help}\n# TYPE ${name} summary\n${name}_sum ${spent.seconds}\n${name}_count ${spent.count}\n`,
    );
    const gauges = Object.entries({ ...now, ...ofProcess() }).map(([name, { help, value }]) =>
      metric(
        name,
        name.endsWith('_total') ? 'counter' : 'gauge',
        help,
        typeof value === 'number' ? [['', value]] : value,
      ),
    );
    return [...counts, ...byStatus, ...spent, ...gauges, ...more].join('\n');
  }
}

function ofProcess(): Record<string, Figure> {
  const { user, system } = process.cpuUsage();
  return {
    process_cpu_seconds_total: { help: 'CPU time in seconds', value: (user + system) / 1e6 },
    process_start_time_seconds: { help: 'Start of the process, seconds since the epoch', value: startedAt },
    ...memory(),
    ...openFiles(),
  };
}

const startedAt = Math.round(performance.timeOrigin) / 1000;

/** To look takes a descriptor, and there may be none left. */
function memory(): Record<string, Figure> {
  try {
    const { rss, heapUsed } = process.memoryUsage();
    return {
      process_resident_memory_bytes: { help: 'Resident memory in bytes', value: rss },
      nodejs_heap_size_used_bytes: { help: 'Used heap in bytes', value: heapUsed },
    };
  } catch {
    return {};
  }
}

function openFiles(): Record<string, Figure> {
  if (process.platform !== 'linux') return {};
  try {
    return { process_open_fds: { help: 'Open file descriptors', value: readdirSync('/proc/self/fd').length } };
  } catch {
    // To count them takes one more, and there may be none left.
    return {};
  }
}
