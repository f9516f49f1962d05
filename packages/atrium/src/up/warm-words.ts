import type { WarmReport } from '@atrium/sdk';

const MB = 1_000_000;

/** What `atrium status` says of warm starts: a line per template, and how starts were made. Null with a spawner that knows of no such thing. */
export function warmLines(warm: WarmReport | null): string[] {
  if (!warm || warm.setting === 'cold') return [];
  const templates = warm.templates.map(({ command, state, pid, memoryBytes, ageSeconds, modules, detail }) => {
    const facts = [
      ...(modules === null ? [] : [`${modules} modules`]),
      ...(memoryBytes === null ? [] : [`${Math.round(memoryBytes / MB)} MB`]),
      ...(ageSeconds === null ? [] : [`${ageOf(ageSeconds)} old`]),
      ...(pid === null ? [] : [`process ${pid}`]),
    ];
    const more = detail === '' ? '' : `. ${detail}`;
    return `Template of ${command}: ${state}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}${more}`;
  });
  const cold = Object.entries(warm.starts.cold).map(([reason, n]) => `${n} (${reason})`);
  const started = `Starts: ${warm.starts.warm} warm${cold.length > 0 ? `, cold: ${cold.join(', ')}` : ''}`;
  return [...templates, started];
}

function ageOf(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
