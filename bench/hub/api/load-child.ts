// A process of its own, so that what it measures is the hub and not the rest of the bench.
import { connect, type Socket } from 'node:net';
import type { LoadOrder, LoadResult } from './load.ts';

/** What one connection is about to do, and what came back of it. */
interface Line {
  socket: Socket;
  rest: Buffer;
  /** What it has on the way is measured. */
  measured: boolean;
  sentAt: number;
}

const HEAD_END = '\r\n\r\n';

function text({ method, path, token, body, headers }: LoadOrder['requests'][number]): string {
  const sent = body === 'activity' ? activity() : (body ?? '');
  const more = Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
  const content = sent && `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(sent)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: bench\r\nAuthorization: token ${token}\r\n${more.join('')}${content}\r\n${sent}`;
}

/** What a server reports every few minutes. Each report is newer than the last: a repeated one changes nothing. */
let told = Date.now() - 600_000;
function activity(): string {
  told += 1;
  const at = new Date(told).toISOString();
  return JSON.stringify({ servers: { '': { last_activity: at } }, last_activity: at });
}

/** The status of the answer at the front of `rest` and where it ends; undefined while it is not all there. */
function answerIn(rest: Buffer): { status: number; end: number } | undefined {
  const head = rest.indexOf(HEAD_END);
  if (head === -1) return undefined;
  const lines = rest.toString('latin1', 0, head);
  const status = Number(lines.slice(9, 12));
  if (status === 204) return { status, end: head + HEAD_END.length };
  const length = /^content-length: *(\d+)/im.exec(lines)?.[1];
  if (length === undefined) throw new Error(`An answer without a length: ${lines.slice(0, 200)}`);
  const end = head + HEAD_END.length + Number(length);
  return rest.length < end ? undefined : { status, end };
}

/** Keeps every connection busy with one request after the other for so long. */
async function drive({ where, requests, connections, seconds, warm }: LoadOrder): Promise<LoadResult> {
  const times: number[] = [];
  const statuses = new Map<number, number>();
  const begin = performance.now() + warm * 1000;
  const end = begin + seconds * 1000;
  let next = 0;
  let answers = 0;
  let bytes = 0;
  const send = (line: Line) => {
    const request = requests[next % requests.length];
    next += 1;
    if (!request) throw new Error('There is nothing to ask.');
    line.measured = !request.aside;
    line.sentAt = performance.now();
    line.socket.write(text(request));
  };
  await Promise.all(
    Array.from({ length: connections }, () => {
      const socket = 'path' in where ? connect(where.path) : connect(where.port, where.host);
      const line: Line = { socket, rest: Buffer.alloc(0), measured: false, sentAt: 0 };
      return new Promise<void>((resolve, reject) => {
        socket.on('connect', () => send(line));
        socket.on('error', reject);
        socket.on('close', () => resolve());
        socket.on('data', (data: Buffer) => {
          line.rest = line.rest.length === 0 ? data : Buffer.concat([line.rest, data]);
          const answer = answerIn(line.rest);
          if (!answer) return;
          const now = performance.now();
          answers += 1;
          if (now >= begin && now < end) {
            if (line.measured) times.push(now - line.sentAt);
            statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
            bytes += answer.end;
          }
          line.rest = line.rest.subarray(answer.end);
          if (now < end) send(line);
          else socket.destroy();
        });
      });
    }),
  );
  return { times, statuses: Object.fromEntries(statuses), answers, bytes };
}

process.once('message', (order) => {
  drive(order as LoadOrder).then(
    (result) => process.send?.(result, () => process.disconnect?.()),
    (error: Error) => {
      process.stderr.write(`${error.stack}\n`);
      process.exitCode = 1;
      process.disconnect?.();
    },
  );
});
