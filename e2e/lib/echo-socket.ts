import { once } from 'node:events';

/** A websocket that talks all the time, to see whether anything of it is ever lost. */
export interface EchoSocket {
  /** Messages sent and echoed in order. */
  readonly echoed: number;
  /** Undefined while it lives. */
  readonly broken: string | undefined;
  close(): Promise<void>;
}

/** Sends the next number whenever the last one came back. */
export async function echoSocket(url: URL): Promise<EchoSocket> {
  const socket = new WebSocket(url.href.replace('http', 'ws'));
  let echoed = 0;
  let broken: string | undefined;
  let closing = false;
  const failed = (how: string) => {
    if (!closing) broken ??= how;
  };
  socket.addEventListener('message', ({ data }) => {
    if (data !== String(echoed)) failed(`${data} came back instead of ${echoed}`);
    echoed += 1;
    // Not at once: the machine has more to do than this.
    setTimeout(() => socket.readyState === WebSocket.OPEN && socket.send(String(echoed)), 20).unref();
  });
  socket.addEventListener('close', ({ code }) => failed(`closed with ${code} after ${echoed} messages`));
  socket.addEventListener('error', () => failed(`error after ${echoed} messages`));
  await once(socket, 'open');
  socket.send('0');
  return {
    get echoed() {
      return echoed;
    },
    get broken() {
      return broken;
    },
    async close() {
      closing = true;
      if (socket.readyState === WebSocket.CLOSED) return;
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}
