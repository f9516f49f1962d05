import type { Log } from '@atrium/sdk';

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof LEVELS)[number];

/** Lines for whoever reads the console of JupyterHub or of a container. */
export function lineLog(level: Level, write: (line: string) => void): Log {
  const least = LEVELS.indexOf(level);
  const at = (own: Level) => (facts: object, message: string) => {
    if (LEVELS.indexOf(own) < least) return;
    const time = new Date().toISOString().slice(11, 23);
    write(`${time} [atrium-proxy] ${own}: ${[message, ...Object.entries(facts).flatMap(factOf)].join(' ')}\n`);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function factOf([name, value]: [string, unknown]): string[] {
  if (value === undefined) return [];
  if (value instanceof Error) return [`${name}=${JSON.stringify(value.message)}`];
  const plain = typeof value === 'string' && /^[^\s"=]+$/.test(value);
  return [`${name}=${plain ? value : JSON.stringify(value)}`];
}
