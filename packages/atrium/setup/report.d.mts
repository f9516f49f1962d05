/** A reason to stop that the person can act on: shown as it is, without a stack. */
export class SetupProblem extends Error {}

/** Shows one step with the time it takes on standard error; `detail` sets the words behind its title. */
export function step<T>(title: string, work: (detail: (text: string) => void) => Promise<T>): Promise<T>;
