/**
 * Lets one caller through per turn of the event loop, in order of arrival; alone, at once.
 *
 * SQLite answers without waiting, so a request runs from its first to its last query without a pause, and a hundred
 * that arrive in one packet's time would run as one: nothing else, a health check among it, is answered meanwhile.
 */
export function loopTurns(): (go: () => void) => void {
  const waiting: (() => void)[] = [];
  let taken = false;
  const next = () => {
    const go = waiting.shift();
    if (!go) {
      taken = false;
      return;
    }
    setImmediate(next);
    go();
  };
  return (go) => {
    if (taken) {
      waiting.push(go);
      return;
    }
    taken = true;
    setImmediate(next);
    go();
  };
}
