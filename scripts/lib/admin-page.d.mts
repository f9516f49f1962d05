/** What the built page depends on, as one hash: its sources, their settings, and the libraries' versions. */
export function adminSources(clone: string): string;
/** Whether the administrators' page of this clone is built from its sources of now. */
export function adminPageIsReady(clone: string): boolean;
/** Builds the administrators' page into the hub's static files. Returns at once when nothing changed. */
export function ensureAdminPage(clone: string, node?: string): Promise<void>;
