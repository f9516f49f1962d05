/** The clone that this script is part of. */
export const root: string;
