/** Numbers of Linux accounts that only Atrium gives out; none of them is in `/etc/passwd`. */
export const HUB_UID = 1_900_000_000;

/** Each hub user gets one of these, for ever. Beyond the ranges that distributions, `systemd` and `subuid` hand out. */
export const RESERVED_UIDS = { first: 1_900_001_000, last: 1_999_999_999 } as const;

/** Whether a number may be a hub user's account. The root helper runs nothing as any other. */
export function isReservedUid(uid: number): boolean {
  return Number.isInteger(uid) && uid >= RESERVED_UIDS.first && uid <= RESERVED_UIDS.last;
}
