const formats = new Map<string, Intl.DateTimeFormat>();

/** What the clock on the wall of a zone shows at a time, as if it were UTC: ms. */
export function wallAt(at: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((at % 1000) + 1000) % 1000);
}

/**
 * When the clock on the wall of a zone shows this (`wall`: as if it were UTC, ms). Where clocks are put back it shows
 * it twice: the first time. Where they are put forward it never does: as long after the change as the time would be.
 */
export function atWall(wall: number, timeZone: string): number {
  const offset = (at: number) => wallAt(at, timeZone) - at;
  const day = 86_400_000;
  const [before, after] = [offset(wall - day), offset(wall + day)];
  const early = wall - Math.max(before, after);
  const late = wall - Math.min(before, after);
  for (const at of [early, late]) if (wallAt(at, timeZone) === wall) return at;
  return wall - before;
}

/** The day on the wall at a time, as midnight UTC of the same date. */
export function dayAt(at: number, timeZone: string): number {
  const wall = wallAt(at, timeZone);
  return wall - (((wall % 86_400_000) + 86_400_000) % 86_400_000);
}
