import type { ClientConnection } from './connection.ts';
import { type Problem, problemAnswer, problemOf } from './error-page.ts';
import type { Refusal, RequestHead } from './head.ts';
import type { Ended } from './seen/access-log.ts';
import { OWN } from './seen/counts.ts';

/** Of a request, what the access log tells. */
export type Logged = Pick<Ended, 'requestId' | 'head' | 'kind' | 'target' | 'startedAt' | 'answeredAt'>;

/** A request that the proxy answers by itself, at once. */
export function own(requestId: string, head?: RequestHead): Logged {
  return { requestId, head, kind: OWN, target: undefined, startedAt: 0, answeredAt: 0 };
}

/** Whether a connection can go on behind a problem. @param bodyRead nothing of the request is left to come */
export function goesOn({ context }: ClientConnection, head: RequestHead, bodyRead: boolean): boolean {
  return bodyRead && head.minor === 1 && head.keepAlive && !head.upgrade && !context.leaving;
}

/** A small answer that is no problem. @param start its lines but for framing */
export function answer(
  client: ClientConnection,
  head: RequestHead,
  bodyRead: boolean,
  start: string,
  body: string,
): void {
  const { context, socket } = client;
  const keep = bodyRead && head.keepAlive && !context.leaving;
  const connection = keep ? (head.minor === 0 ? 'Connection: keep-alive\r\n' : '') : 'Connection: close\r\n';
  const text = `${start}${client.ownLines(head.host)}Content-Length: ${body.length}\r\n${connection}\r\n${head.method === 'HEAD' ? '' : body}`;
  socket.write(text, 'latin1');
  context.counts.answered(OWN, 200);
  if (context.access) client.logged(own(context.nextRequestId(), head), 200, false);
  client.exchangeDone(keep, context.clock.now());
}

/** @param head of the request, or how the answer is read where there is none */
export function answerProblem(
  client: ClientConnection,
  problem: Problem,
  head: RequestHead | 'page' | 'json',
  what: Logged,
  bodyRead: boolean,
  reason?: string,
): void {
  const keep = typeof head === 'object' && goesOn(client, head, bodyRead);
  const text = problemAnswer(problem, head, what.requestId, client.context.homePath, !keep);
  // Which host an unreadable head was for is not known, and so not what may be said of it.
  const lines = typeof head === 'object' ? client.ownLines(head.host) : '';
  sendProblem(client, problem, lines === '' ? text : text.replace('\r\n', `\r\n${lines}`), keep, what, reason);
}

/** @param text the whole answer */
export function sendProblem(
  client: ClientConnection,
  { status }: Problem,
  text: string | Buffer,
  keep: boolean,
  what: Logged,
  reason?: string,
): void {
  const { counts, access, clock } = client.context;
  counts.problem(status);
  counts.answered(what.kind, status);
  client.socket.write(text);
  if (access) client.logged(what, status, false, reason);
  client.exchangeDone(keep, clock.now());
}

/** What cannot be read. @param bytes of the head, which tell whether a person or a program reads the answer */
export function refuse(client: ClientConnection, { status, reason }: Refusal, bytes: Buffer): void {
  const { counts, log, nextRequestId } = client.context;
  const requestId = nextRequestId();
  counts.refuse(reason);
  log.info({ requestId, peer: client.peer, status, reason }, 'refused a request');
  const asked = bytes.includes('text/html') ? 'page' : 'json';
  answerProblem(client, problemOf(status), asked, own(requestId), false, reason);
}
