import { type AppContext, createFirstAdminLink } from '@atrium/hub';

/** How often it is looked whether there still is an administrator. */
const LOOK_MS = 60_000;

/**
 * Hands out a link to the first account, and a fresh one whenever it expires, while there is no administrator: also
 * when the last one is removed later. Until `knownUntil` (ms) the operator has one from a hub before this one.
 */
export async function watchFirstAdmin(
  ctx: AppContext,
  show: (link: { path: string; expiresAt: number }) => void,
  knownUntil: number,
  signal: AbortSignal,
): Promise<void> {
  const until = (at: number) => ctx.clock.sleep(Math.max(0, at - ctx.clock.now()), signal).catch(() => {});
  await until(knownUntil);
  while (!signal.aborted) {
    const link = await createFirstAdminLink(ctx).catch((err) => {
      if (!signal.aborted) ctx.log.warn({ err }, 'could not make the link for the first administrator; trying again');
      return null;
    });
    if (link) show(link);
    await until(link?.expiresAt ?? ctx.clock.now() + LOOK_MS);
  }
}
