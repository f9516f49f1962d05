import { randomUUID } from 'node:crypto';
import { once } from 'node:events';

/** A running kernel and the one websocket to it. */
export interface KernelSocket extends AsyncDisposable {
  /** Runs a cell and answers its result as text. Rejects when the socket breaks or the cell takes too long. */
  run(code: string): Promise<string>;
  /** Undefined while the socket lives. */
  readonly broken: string | undefined;
}

/** A message of the Jupyter protocol, as far as it is read here. */
interface Message {
  parent_header: { msg_id?: string };
  msg_type: string;
  content: { execution_state?: string; data?: { 'text/plain'?: string }; text?: string; evalue?: string };
}

/** The longest a cell may take; ms. */
const CELL_MS = 30_000;

/** Starts a kernel on a server (the address of its prefix) and connects to it as JupyterLab does. */
export async function openKernel(server: URL, token: string): Promise<KernelSocket> {
  const headers = { authorization: `token ${token}` };
  const made = await fetch(new URL('api/kernels', server), { method: 'POST', headers });
  if (made.status !== 201) throw new Error(`POST api/kernels answers ${made.status}: ${await made.text()}`);
  const { id } = (await made.json()) as { id: string };
  const url = new URL(`api/kernels/${id}/channels`, server).href.replace('http', 'ws');
  const socket = new WebSocket(url, { headers });
  let broken: string | undefined;
  let closing = false;
  socket.addEventListener('close', ({ code }) => {
    if (!closing) broken ??= `closed with ${code}`;
  });
  socket.addEventListener('error', () => {
    broken ??= 'error';
  });
  await once(socket, 'open');

  return {
    get broken() {
      return broken;
    },
    run(code) {
      const header = { msg_id: randomUUID(), msg_type: 'execute_request', username: '', session: id, version: '5.4' };
      const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false };
      let output = '';
      return new Promise((resolve, reject) => {
        const end = new AbortController();
        const { signal } = end;
        const finish = (error?: Error) => {
          end.abort();
          clearTimeout(late);
          if (error) reject(error);
          else resolve(output.trim());
        };
        const late = setTimeout(() => finish(new Error(`No result of ${code} in time`)), CELL_MS);
        socket.addEventListener('close', () => finish(new Error('The kernel socket closed')), { signal });
        socket.addEventListener(
          'message',
          ({ data }) => {
            const { parent_header, msg_type, content } = JSON.parse(String(data)) as Message;
            if (parent_header.msg_id !== header.msg_id) return;
            output += content.data?.['text/plain'] ?? content.text ?? '';
            if (msg_type === 'error') finish(new Error(content.evalue));
            else if (msg_type === 'status' && content.execution_state === 'idle') finish();
          },
          { signal },
        );
        socket.send(JSON.stringify({ channel: 'shell', header, parent_header: {}, metadata: {}, content }));
      });
    },
    async [Symbol.asyncDispose]() {
      closing = true;
      if (socket.readyState === WebSocket.CLOSED) return;
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}
