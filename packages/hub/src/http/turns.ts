/** So much of one turn of the event loop goes to requests that arrived in it; ms. */
const TURN_MS = 2;
/** Of those who wait, so many are let through in one turn at most. */
const MOST = 16;

/**
 * Lets callers through in order of arrival, for so long per turn of the event loop; alone, at once.
 *
 * SQLite answers without waiting, so a request runs from its first to its last query without a pause, and a hundred
 * that arrive in one packet's time would run as one: nothing else, a health check among it, is answered meanwhile. One
 * a turn would be as fair, and cost each request a look at every socket.
 */
export function loopTurns(now: () => number = () => performance.now()): (go: () => void) => void {
  const waiting: (() => void)[] = [];
  /** When this turn's first came through; undefined before anybody did. */
  let began: number | undefined;
  const begin = () => {
    began = now();
    setImmediate(next);
  };
  const next = () => {
    const go = waiting.shift();
    if (!go) {
      began = undefined;
      return;
    }
    begin();
    go();
    // What it set off runs before the next of these, which then sees how long that took.
    for (let more = Math.min(waiting.length, MOST); more > 0; more -= 1) setImmediate(inTime);
  };
  const inTime = () => {
    if (began !== undefined && now() - began < TURN_MS) waiting.shift()?.();
  };
  return (go) => {
    if (began === undefined) {
      begin();
      go();
    } else if (waiting.length === 0 && now() - began < TURN_MS) go();
    else waiting.push(go);
  };
}
