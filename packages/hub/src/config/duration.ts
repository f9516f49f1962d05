import { z } from 'zod';

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** A length of time: seconds as a number, or `90s`, `10m`, `1h`, `2d`. Parsed to seconds. */
export const Duration = z
  .union([
    z.number().nonnegative(),
    z.string().regex(/^\d+(\.\d+)?[smhd]$/, 'Write seconds, or a length such as "90s", "10m", "1h", "2d"'),
  ])
  .transform((value) =>
    typeof value === 'number' ? value : Number(value.slice(0, -1)) * UNITS[value.slice(-1) as keyof typeof UNITS],
  );
