/** What breaks a rule under `root`, one sentence each with its place. */
export function findViolations(root: string): string[];
