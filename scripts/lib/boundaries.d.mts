/** Whether biome.json holds the boundaries that the table describes. */
export function isFresh(): boolean;
