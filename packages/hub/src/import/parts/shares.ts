import type { Taking } from '../taking.ts';

/** There is no place for them yet. */
export function reportShares(taking: Taking): void {
  const { shares, shareCodes } = taking.source;
  const count = taking.count('shares', shares.length);
  for (const { owner, server, user, group } of shares) {
    count.skip(`${owner}/${server} with ${user ?? `group ${group}`}`, 'shares are not taken over: share it again');
  }
  const codes = taking.count('share_codes', shareCodes.length);
  for (const { owner, server } of shareCodes) {
    codes.skip(`${owner}/${server}`, 'share codes are not taken over: make a new one');
  }
}
