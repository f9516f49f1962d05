/** Talks to the supervisor that started this process. */
export interface Channel<Out> {
  send(message: Out): void;
}

/**
 * The channel to the supervisor. When that is gone, however it went, so must we be: nobody would start us again, and the
 * next `atrium up` needs the sockets.
 */
export function openChannel<In, Out>(onMessage: (message: In) => void, onGone: () => void): Channel<Out> {
  process.on('message', (message) => onMessage(message as In));
  process.on('disconnect', onGone);
  // Loading takes seconds: it may have gone meanwhile, and that is told once.
  if (!process.connected) setImmediate(onGone);
  // What ends us comes over the channel; a stray Ctrl-C of a shell is not for us.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', onGone);
  return { send: (message) => void (process.connected && process.send?.(message as never)) };
}

/** The one argument, as JSON. */
export function readArguments<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T;
}
