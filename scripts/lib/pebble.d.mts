export function findPebble(): string | undefined;
export function ensurePebble(python: string): Promise<string | undefined>;
