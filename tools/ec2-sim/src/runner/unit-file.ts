/** Sections of a unit file; a key that stands several times has several values, and an empty one clears those before it. */
export type UnitFile = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** Reads a unit file. @throws Error that names the line. Source: systemd.syntax(7). */
export function parseUnit(text: string): UnitFile {
  const unit: Record<string, Record<string, string[]>> = {};
  let section: Record<string, string[]> | undefined;
  for (const line of text.replaceAll(/\\\n/g, ' ').split('\n')) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith(';')) continue;
    const name = /^\[(.+)\]$/.exec(trimmed)?.[1];
    if (name !== undefined) {
      unit[name] ??= {};
      section = unit[name];
      continue;
    }
    const [, key, value] = /^([A-Za-z]+)\s*=\s*(.*)$/.exec(trimmed) ?? [];
    if (!section || key === undefined || value === undefined) throw new Error(`Not a line of a unit: ${trimmed}`);
    if (value === '') section[key] = [];
    else section[key] = [...(section[key] ?? []), value];
  }
  return unit;
}

/** Words of an Exec line or of Environment=, as systemd splits them. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [, double, single, bare] of line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g))
    words.push(double?.replaceAll(/\\(.)/g, '$1') ?? single ?? bare ?? '');
  return words;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, sec: 1000, m: 60_000, min: 60_000, h: 3_600_000 };

/** A time span in milliseconds: `45`, `5min`, `1h 30m`. Source: systemd.time(7). */
export function spanOf(text: string): number {
  let ms = 0;
  for (const part of text.trim().split(/\s+/)) {
    const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)([a-z]*)$/.exec(part) ?? [];
    const factor = UNITS[unit || 's'];
    if (number === undefined || factor === undefined) throw new Error(`Not a time span: ${text}`);
    ms += Number(number) * factor;
  }
  return ms;
}
