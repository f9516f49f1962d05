/**
 * Parts of Jupyter Server whose writing requests are a person's doing: saving, making, moving and deleting files, starting
 * and restarting kernels, opening terminals. An open tab only reads, again and again.
 */
const HANDLERS = /^(jupyter_server\.services\.(contents|sessions|kernels)|jupyter_server_terminals)\./;
const WRITES = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
/** Jupyter Server's own name for it, and the one it has under `jupyterhub-singleuser`. */
const COUNTER = /^(?:http|jupyterhub)_request_duration_seconds_count\{([^}]*)\} ([\d.e+]+)$/gm;

/**
 * How many such requests the server has answered well since it started, by its own counters (`/metrics`, in Prometheus'
 * text format). Undefined when it has none.
 */
export function countWrites(metrics: string): number | undefined {
  let total: number | undefined;
  for (const [, labels = '', count] of metrics.matchAll(COUNTER)) {
    total ??= 0;
    const label = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
    if (
      WRITES.has(label('method')) &&
      HANDLERS.test(label('handler')) &&
      /^2/.test(label('status_code') || label('code'))
    )
      total += Number(count);
  }
  return total;
}
