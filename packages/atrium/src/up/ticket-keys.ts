import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { ToProxy } from '../process/messages.ts';

/** What Node's `setTicketKeys` wants. */
const BYTES = 48;
/**
 * Whoever steals the keys can read what was sent in sessions of TLS 1.2 for as long as they are used, so they are not used
 * for long (RFC 5077 §5.5 and 5.6); a ticket of before costs its browser one whole handshake.
 */
const ROTATE_MS = 12 * 3_600_000;

/**
 * By which TLS sessions are resumed, in whichever proxy process a browser comes back to. They are in the memory of these
 * processes and on the channels between them, and nowhere else.
 */
export interface TicketKeys {
  /** Tells a proxy process the keys of now, and later ones for as long as it lives. */
  share(child: ChildProcess): void;
}

/** Until the signal. */
export function openTicketKeys(signal: AbortSignal, rotateMs = ROTATE_MS): TicketKeys {
  const children = new Set<ChildProcess>();
  let keys = randomBytes(BYTES).toString('base64');
  const tell = (child: ChildProcess) => {
    const message: ToProxy = { type: 'ticket-keys', keys };
    if (child.connected) child.send(message, () => {});
  };
  const timer = setInterval(() => {
    keys = randomBytes(BYTES).toString('base64');
    for (const child of children) tell(child);
  }, rotateMs);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer));
  return {
    share(child) {
      children.add(child);
      child.once('exit', () => children.delete(child));
      tell(child);
    },
  };
}
