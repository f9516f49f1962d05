import { type AppContext, createFirstAdminLink } from '@atrium/hub';

/**
 * Hands out a link to the first account, and a fresh one whenever it expires, until there is an administrator. Until
 * `knownUntil` (ms) the operator has one from a hub before this one.
 */
export async function watchFirstAdmin(
  ctx: AppContext,
  show: (link: { path: string; expiresAt: number }) => void,
  knownUntil: number,
  signal: AbortSignal,
): Promise<void> {
  const until = (at: number) => ctx.clock.sleep(Math.max(0, at - ctx.clock.now()), signal);
  try {
    await until(knownUntil);
    while (!signal.aborted) {
      const link = await createFirstAdminLink(ctx);
      if (!link) return;
      show(link);
      await until(link.expiresAt);
    }
  } catch (error) {
    if (!signal.aborted) ctx.log.warn({ err: error }, 'could not make the link for the first administrator');
  }
}
