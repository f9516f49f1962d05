/** The clone that this script is part of. */
export const root: string;
/** What can be fetched or made again: never data. */
export const cacheDir: string;
