import type { AppContext } from '../context.ts';
import { hashToken } from '../keys.ts';
import { legacyTokens, settleLegacyToken } from './legacy.repo.ts';
import { matchesTokenHash } from './token-hash.ts';

export { insertLegacyToken } from './legacy.repo.ts';
export { parseTokenHash } from './token-hash.ts';

/** How much of a token JupyterHub keeps beside its hash. */
export const PREFIX_LENGTH = 4;

/**
 * Whether `text` is a token that was taken over from a JupyterHub and is used here for the first time. From now on it is
 * stored as ours are, which are found by their hash alone; so this asks for what no token of ours matches.
 */
export async function takeLegacyToken(ctx: Pick<AppContext, 'db' | 'log'>, text: string): Promise<boolean> {
  const candidates = await legacyTokens(ctx.db, text.slice(0, PREFIX_LENGTH));
  const found = candidates.find(({ hashed }) => matchesTokenHash(hashed, text));
  if (!found) return false;
  await settleLegacyToken(ctx.db, found.tokenId, hashToken(text));
  ctx.log.info({ token: `a${found.tokenId}` }, 'token of JupyterHub used for the first time');
  return true;
}
