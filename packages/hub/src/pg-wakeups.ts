import type { Logger } from 'pino';
import { type Channel, localWakeups, type Wakeups } from './wakeups.ts';

const CHANNEL = 'atrium';
const RETRY_MS = 1_000;

/** Between hubs, by PostgreSQL's LISTEN/NOTIFY. Reconnects by itself; what was missed the safety-net polls find. */
export async function postgresWakeups(url: string, log: Logger): Promise<Wakeups> {
  const { default: pg } = await import('pg');
  const local = localWakeups();
  let closed = false;
  let client: InstanceType<typeof pg.Client> | undefined;
  const deliver = (message: string) => {
    const at = message.indexOf(' ');
    local.notify(message.slice(0, at) as Channel, message.slice(at + 1));
  };
  const connect = async (): Promise<void> => {
    if (closed) return;
    const next = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    const again = () => {
      if (client === next) client = undefined;
      if (!closed) setTimeout(() => void connect(), RETRY_MS).unref();
    };
    next.on('notification', ({ payload = '' }) => deliver(payload));
    next.on('error', (err) =>
      log.warn({ err }, 'lost the database connection that carries wake-ups; connecting again'),
    );
    next.once('end', again);
    try {
      await next.connect();
      await next.query(`listen ${CHANNEL}`);
      client = next;
    } catch {
      await next.end().catch(() => {});
    }
  };
  await connect();
  const waiting: string[] = [];
  let sending = false;
  /** One query at a time on the connection, everything that came meanwhile in the next one. */
  const send = async (): Promise<void> => {
    if (sending) return;
    sending = true;
    try {
      while (client && waiting.length > 0) {
        const batch = [...new Set(waiting.splice(0))];
        const notify = 'select pg_notify($1, payload) from unnest($2::text[]) payload';
        await client.query(notify, [CHANNEL, batch]).catch(() => {
          for (const message of batch) deliver(message);
        });
      }
    } finally {
      sending = false;
    }
  };
  return {
    notify(channel, payload = '') {
      // Without a connection at least this hub wakes.
      if (!client) return local.notify(channel, payload);
      waiting.push(`${channel} ${payload}`);
      void send();
    },
    on: (channel, listener) => local.on(channel, listener),
    async [Symbol.asyncDispose]() {
      closed = true;
      await client?.end().catch(() => {});
      await local[Symbol.asyncDispose]();
    },
  };
}
