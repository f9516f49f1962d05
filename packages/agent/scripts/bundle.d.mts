/** Writes the agent as one file; `dist/atrium-agent.mjs` of its package when no other is named. */
export function bundleAgent(file?: string): Promise<{ file: string; bytes: number }>;
